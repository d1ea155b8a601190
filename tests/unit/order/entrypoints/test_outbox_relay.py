"""The relay's pauses."""

from order_service.entrypoints.outbox_relay import RETRY_FIRST_S, retry_pause_s


def test_brokers_that_were_away_are_used_within_a_second_of_their_return_however_long_it_was() -> None:
    pauses = [retry_pause_s(failures) for failures in range(1, 1_000)]
    assert pauses[0] == RETRY_FIRST_S
    assert pauses == sorted(pauses)
    assert pauses[-1] == 1.0
