"""`python -m connect_conformance`."""

import sys

from connect_conformance.cli import main

sys.exit(main())
