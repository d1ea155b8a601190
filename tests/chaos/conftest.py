"""What the storms share."""

import pytest

from tests.support.stack import RunningStack
from tests.support.storm import Storm


@pytest.fixture
def storm(stack: RunningStack) -> Storm:
    """Two thousand orders on the session's stack, with a fault to come."""
    return Storm(stack=stack)
