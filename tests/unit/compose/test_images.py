"""The images, read as Dockerfiles: who they run as, what they say of themselves, what is left in them."""

import re
from fnmatch import fnmatchcase

import pytest

from sink_connector.version import VERSION
from tests.support.documents import REPOSITORY, documents, links

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


def _guide_leads_to() -> set[str]:
    """Files and folders beside docs/ that its pages lead to, by their paths in the repository."""
    docs = REPOSITORY / "docs"
    found = {
        (document.parent / target.partition("#")[0]).resolve()
        for document in documents(docs)
        for target in links(document)
    }
    return {str(each.relative_to(REPOSITORY)) for each in found if docs not in (each, *each.parents)}


def test_what_the_guide_leads_to_is_let_into_the_build_and_copied_for_it() -> None:
    """A page whose link leads nowhere is built all the same, and is broken."""
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    let_in = [line.removeprefix("!") for line in lines if line.startswith("!")]
    text = (REPOSITORY / "services/catalog/Dockerfile").read_text()
    stage = text[text.index(" AS guide\n") : text.rindex("\nFROM ")]
    copied = re.findall(r"^COPY (\S+) ", stage, re.MULTILINE)
    needed = _guide_leads_to() | {"services/catalog/catalog_service/web/assets/icon.svg"}
    assert len(needed) > 10
    for path in needed:
        is_folder = (REPOSITORY / path).is_dir()  # of which the build sees what is let in
        assert any(
            fnmatchcase(path, pattern)
            or fnmatchcase(path, f"{pattern}/*")
            or (is_folder and pattern.startswith(f"{path}/"))
            for pattern in let_in
        ), path
        assert any(
            path == each or path.startswith(f"{each}/") or (is_folder and each.startswith(f"{path}/"))
            for each in copied
        ), path


def test_the_sink_s_image_is_its_command_with_a_file_or_the_environment_alone() -> None:
    stage = last_stage("sink_connector/Dockerfile")
    assert 'ENTRYPOINT ["/entrypoint.sh", "sink_connector"]' in stage
    assert 'CMD ["worker"]' in stage
    assert "ENV SINK_" not in stage
