"""What the stack without containers must do, this one must do as well: the same tests once more."""

from tests.e2e.test_sync import *  # noqa: F403  tests and their fixtures
