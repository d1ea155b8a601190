"""What the read tables refuse (their migrations say the same in SQL), for those who must not show what is refused."""

MAX_VERSION = 10**12
"""No order or product gets so far; versions begin at 1."""

MAX_ID_LENGTH = 128
"""Characters of an id, as many as a question may name."""
MAX_TEXT_LENGTH = 10_000
"""Characters of a name or a reason."""
MAX_LINES = 100


def is_order_of(order_id: str, instance: str) -> bool:
    """Whether an order's id names this instance: it is the instance, a hyphen and a tail without one."""
    return instance != "" and order_id.rpartition("-")[:2] == (instance, "-")
