"""contracts/asyncapi.yaml is an AsyncAPI 3 document, whole, and tells of every event that the service sends."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from order_service.adapters import serialization
from order_service.adapters.kafka import decoding
from order_service.domain import order
from tests.support.yaml_text import one_document

CONTRACTS = Path(__file__).parents[2] / "contracts"
SERVICE = Path(serialization.__file__).parents[1]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = one_document((CONTRACTS / "asyncapi.yaml").read_text())
    return loaded


def described(document: dict[str, Any]) -> set[str]:
    return {kind for message in document["components"]["messages"].values() for kind in message["x-ce-types"]}


@pytest.mark.filterwarnings("ignore:Field name .* shadows an attribute:UserWarning")
def test_it_is_valid_asyncapi_3(document: dict[str, Any]) -> None:
    from asyncapi3.models.asyncapi import AsyncAPI3  # noqa: PLC0415 - warns as it is imported

    AsyncAPI3.model_validate(document)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in references(document):
        file, _, pointer = reference.partition("#")
        target: Any = json.loads((CONTRACTS / file).read_text()) if file else document
        for part in filter(None, pointer.split("/")):
            target = target[part]
        assert target


def test_every_event_type_that_the_service_names_is_described(document: dict[str, Any]) -> None:
    sources = "\n".join(path.read_text() for path in SERVICE.rglob("*.py"))
    named = {f"{name}.v1" for name in re.findall(r'"((?:order|product)\.[a-z-]+)"', sources)} - {
        "order.v1",
        "product.v1",
    }
    assert named >= {"order.placed.v1", "product.registered.v1"}
    events = {f"{name}.v1" for name in order.EVENTS.values()}
    assert named | events | decoding.REQUESTS.keys() | decoding.ANSWERS.keys() == described(document)


def test_the_samples_are_of_types_that_are_described(document: dict[str, Any]) -> None:
    samples = [json.loads(path.read_text()) for path in (CONTRACTS / "samples").glob("*.v1.json")]
    assert {sample["headers"]["ce_type"] for sample in samples} <= described(document)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)
