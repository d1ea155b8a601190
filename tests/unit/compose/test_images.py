"""The images, read as Dockerfiles: who they run as, what they say of themselves, what is left in them."""

import re
from pathlib import Path

import pytest

from sink_connector.version import VERSION

REPOSITORY = Path(__file__).parents[3]
IMAGES = ("services/order/Dockerfile", "services/catalog/Dockerfile", "sink_connector/Dockerfile")


def last_stage(dockerfile: str) -> str:
    text = (REPOSITORY / dockerfile).read_text()
    return text[text.rindex("\nFROM ") :]


@pytest.mark.parametrize("dockerfile", IMAGES)
def test_an_image_runs_as_nobody_of_the_machine_and_is_stopped_politely(dockerfile: str) -> None:
    stage = last_stage(dockerfile)
    [user] = re.findall(r"^USER (\d+):(\d+)$", stage, re.MULTILINE)
    assert all(int(number) >= 10_000 for number in user)
    assert "STOPSIGNAL SIGTERM" in stage


@pytest.mark.parametrize("dockerfile", IMAGES)
def test_an_image_says_what_it_is_of_which_version_on_which_image_and_under_which_licence(
    dockerfile: str,
) -> None:
    stage = last_stage(dockerfile)
    labels = dict(re.findall(r'org\.opencontainers\.image\.([\w.]+)="([^"]+)"', stage))
    assert labels.keys() >= {"title", "description"}
    assert (labels["version"], labels["licenses"]) == (VERSION, "Apache-2.0")
    assert labels["base.name"] == f"docker.io/library/{stage.split()[1]}"


@pytest.mark.parametrize("dockerfile", IMAGES)
def test_an_image_installs_locked_packages_and_is_not_what_installs_them(dockerfile: str) -> None:
    text = (REPOSITORY / dockerfile).read_text()
    assert "--require-hashes" in text
    assert "pip" not in last_stage(dockerfile)


def test_the_sink_s_image_is_its_command_with_a_file_or_the_environment_alone() -> None:
    stage = last_stage("sink_connector/Dockerfile")
    assert 'ENTRYPOINT ["/entrypoint.sh", "sink_connector"]' in stage
    assert 'CMD ["worker"]' in stage
    assert "ENV SINK_" not in stage
