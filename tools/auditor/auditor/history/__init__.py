"""What clients did and saw, with times, and whether a system that keeps its promises can have shown it.

The audit compares end states. A history shows what happened on the way: an old answer after a newer one, a stock that was
oversold for a second, an event that a stream left out.
"""
