"""`python -m rebuild`."""

import sys
from importlib import import_module

from auditor.endings import ended_quietly

sys.exit(ended_quietly(lambda: import_module("rebuild.cli").main()))
