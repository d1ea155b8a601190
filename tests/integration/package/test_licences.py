"""What the images and the packages carry comes under licences that let everybody use it."""

import json
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
SHIPPED = ("order", "catalog", "sink")
PERMISSIVE = re.compile(
    r"(The )?(MIT(-0| License| No Attribution)?|Apache([- ]2\.0| Software License| License,? Version 2\.0)|(3-Clause )?BSD( License|-[23]-Clause)?|"
    r"PSF-2\.0|Python Software Foundation License|ISC( License.*)?|CNRI-Python|Unlicense|0BSD)"
)
# Authorities' certificates, carried as they are; the licence asks only that changes to these files be published.
EXCEPTIONS = {"certifi": "Mozilla Public License 2.0 (MPL 2.0)"}


def shipped() -> set[str]:
    """The packages locked for the deployables."""
    return {
        match[1].lower()
        for name in SHIPPED
        for match in re.finditer(
            r"^([A-Za-z0-9._-]+)==", (REPOSITORY / "requirements" / f"{name}.txt").read_text(), re.MULTILINE
        )
    }


def is_permissive(licence: str) -> bool:
    """Whether every part that applies is; of alternatives one is enough."""
    return all(
        any(PERMISSIVE.fullmatch(choice.strip(" ()")) for choice in part.split(" OR "))
        for part in re.split(r" AND |; ", licence)
    )


def test_a_licence_is_permissive_when_all_of_it_is() -> None:
    assert is_permissive("Apache-2.0 AND (MIT OR GPL-3.0)")
    assert not is_permissive("MIT AND GPL-3.0-only")
    assert not is_permissive("GNU Affero General Public License v3")
    assert not is_permissive("UNKNOWN")


def test_nothing_that_is_shipped_is_copyleft() -> None:
    command = [
        sys.executable,
        "-m",
        "piplicenses",
        "--from=mixed",
        "--format=json",
        "--with-system",
        "--packages",
        *shipped(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    licences = {row["Name"].lower(): row["License"] for row in json.loads(done.stdout)}
    assert len(licences) > 30
    refused = {
        name: licence
        for name, licence in licences.items()
        if not is_permissive(licence) and EXCEPTIONS.get(name) != licence
    }
    assert not refused
