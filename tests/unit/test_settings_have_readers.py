"""A setting that nothing reads promises what does not happen: every one of the three deployables has a reader."""

import ast
import dataclasses
import inspect
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import pytest

from catalog_service import settings as catalog
from order_service import settings as order
from sink_connector.config import worker as sink

RECEIVERS = {"settings", "config", "_config", "worker"}
SETTINGS = {
    order.Settings: order.Settings.model_fields.keys(),
    catalog.Settings: catalog.Settings.model_fields.keys(),
    catalog.MigrationSettings: catalog.MigrationSettings.model_fields.keys(),
    sink.WorkerConfig: {field.name for field in dataclasses.fields(sink.WorkerConfig)},
}


@pytest.mark.parametrize(
    "settings", SETTINGS, ids=lambda settings: f"{settings.__module__}.{settings.__name__}"
)
def test_every_setting_is_read(settings: type) -> None:
    assert not set(SETTINGS[settings]) - set(read(settings))


def test_a_setting_that_nothing_reads_is_found() -> None:
    source = "def run(settings, other):\n    settings.written = settings.known\n    return other.unknown\n"
    assert set(attributes(ast.parse(source), of=RECEIVERS)) == {"known"}


def read(settings: type) -> Iterator[str]:
    """Names that the deployable's modules read of its settings, and that the settings' own methods read of themselves."""
    package = Path(inspect.getfile(settings)).parents[len(settings.__module__.split(".")) - 2]
    yield from read_in(package)
    for each in settings.__mro__:
        if each.__module__.partition(".")[0] == package.name:
            yield from attributes(ast.parse(inspect.getsource(each)), of={"self"})


@cache
def read_in(package: Path) -> frozenset[str]:
    """Names that the modules of a package read of a setting."""
    trees = (ast.parse(file.read_text()) for file in package.rglob("*.py"))
    return frozenset(name for tree in trees for name in attributes(tree, of=RECEIVERS))


def attributes(tree: ast.AST, *, of: Collection[str]) -> Iterator[str]:
    """Names of the attributes that are read of variables, or of attributes, called one of `of`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            if name in of:
                yield node.attr
