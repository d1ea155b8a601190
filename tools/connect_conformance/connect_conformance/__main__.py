"""`python -m connect_conformance`."""

import sys
from importlib import import_module

from connect_conformance.endings import ended_quietly

sys.exit(ended_quietly(lambda: import_module("connect_conformance.cli").main()))
