"""How long to wait before the next attempt."""


def pause_s(attempt: int, *, first_ms: int, longest_ms: int, random: float) -> float:
    """Seconds before attempt number `attempt` (1 is the first repetition): doubling, with up to a half taken off.

    `random` is in [0, 1); it spreads the workers that lost the same database at the same moment.
    """
    full = min(float(longest_ms), max(first_ms, 1) * 2.0 ** min(attempt - 1, 30))
    return full * (1 - random / 2) / 1000
