"""The end of the stack: by its name the last of these tests, since the stack is gone afterwards."""

from tests.support.compose import PROJECT, RunningContainers, docker, take_down

KILLED = 137


def test_every_container_but_perhaps_the_last_broker_ends_by_itself_and_nothing_is_left(
    stack: RunningContainers, volumes_before: set[str]
) -> None:
    docker("compose", "stop")
    ends = {name: each["State"] for name, each in stack.inspected().items()}
    assert all(state["Status"] == "exited" for state in ends.values())
    assert [name for name, state in ends.items() if state["OOMKilled"]] == []
    killed = [name for name, state in ends.items() if state["ExitCode"] == KILLED]
    # The last broker, when the majority of the controllers has gone before it, waits minutes for their leave to go.
    assert len(killed) <= 1, killed
    assert all(name.startswith("kafka-") for name in killed), killed
    take_down()
    of_ours = ("--filter", f"label=com.docker.compose.project={PROJECT}")
    assert docker("ps", "--all", "--quiet", *of_ours) == ""
    assert docker("network", "ls", "--quiet", *of_ours) == ""
    assert set(docker("volume", "ls", "--quiet").split()) == volumes_before
