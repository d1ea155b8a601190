"""What the storms share."""

import pytest

from tests.support.stack import RunningStack
from tests.support.fault_injector import FaultInjector


@pytest.fixture
def injector(stack: RunningStack) -> FaultInjector:
    """Two thousand orders on the session's stack, with a fault to come."""
    return FaultInjector(stack=stack)
