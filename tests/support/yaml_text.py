"""YAML, read by libyaml: PyYAML's own reader in Python takes ten times as long."""

from collections.abc import Iterator
from typing import Any

import yaml


def one_document(text: str) -> Any:
    """The only document of a text, of plain types."""
    return yaml.load(text, Loader=yaml.CSafeLoader)


def all_documents(text: str) -> Iterator[Any]:
    """Every document of a text, of plain types."""
    yield from yaml.load_all(text, Loader=yaml.CSafeLoader)
