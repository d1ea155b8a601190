"""What the storms share."""

import pytest

from tests.support.fault_injector import FaultInjector
from tests.support.stack import RunningStack


@pytest.fixture
def injector(stack: RunningStack) -> FaultInjector:
    """Orders on the session's stack, with a fault to come."""
    return FaultInjector(stack=stack)
