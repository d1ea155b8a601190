"""`python -m auditor`."""

import sys
from importlib import import_module

try:
    from auditor.endings import ended_quietly
except KeyboardInterrupt:  # Ctrl-C before there is what ends a command quietly
    sys.exit(130)

sys.exit(ended_quietly(lambda: import_module("auditor.cli").main()))
