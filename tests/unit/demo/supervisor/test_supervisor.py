"""How long the supervisor waits before it starts a part again; the rest is tests/integration/demo/test_supervisor.py."""

from demo.supervisor.supervisor import pause_before_restart


def test_the_pause_before_a_restart_doubles_up_to_a_bound() -> None:
    assert [pause_before_restart(failures=n) for n in range(1, 9)] == [0.125, 0.25, 0.5, 1, 2, 4, 8, 15]
    assert pause_before_restart(failures=5_000) == 15
