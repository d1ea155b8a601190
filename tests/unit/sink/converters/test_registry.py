"""The registry's converters over schemas held in memory: what is asked for, when, and what each failure leads to."""

import asyncio
from contextlib import nullcontext
from typing import Any

import pytest

from sink_connector.config.connector import ConverterConfig
from sink_connector.converters import Decoded
from sink_connector.converters.factory import make_converter
from sink_connector.converters.registry.client import make_source
from sink_connector.converters.registry.wire import (
    MOST_REFUSED,
    REGISTRY_CLASSES,
    RegisteredSchema,
    RegistryConverter,
)
from sink_connector.errors import BadRecordError
from tests.support.wire_format import framed


class Schemas:
    """Schemas in memory; `down` makes the registry unreachable."""

    def __init__(self, schemas: dict[int, RegisteredSchema]) -> None:
        self.schemas = schemas
        self.asked: list[int] = []
        self.down = False

    async def schema(self, schema_id: int) -> RegisteredSchema:
        self.asked.append(schema_id)
        if self.down:
            raise ConnectionError("down")
        if schema_id not in self.schemas:
            raise LookupError(f"no schema {schema_id}")
        return self.schemas[schema_id]


TEXT = RegisteredSchema(kind="TEXT", text="")


def compile_text(registered: RegisteredSchema) -> Any:
    if registered.text:
        raise ValueError(registered.text)
    return lambda data: Decoded(None, data[5:].decode())


def converter(schemas: Schemas) -> RegistryConverter:
    return RegistryConverter(source=schemas, kind="TEXT", compile_schema=compile_text)


async def test_a_schema_is_asked_for_once() -> None:
    schemas = Schemas({1: TEXT, 2: TEXT})
    ours = converter(schemas)
    await ours.prepare("t", [framed(1, b"a"), framed(2, b"b"), None, framed(1, b"c")])
    await ours.prepare("t", [framed(2, b"d")])
    assert schemas.asked == [1, 2]
    assert ours.decode("t", framed(1, b"a"), ()).value == "a"


async def test_an_unreachable_registry_is_the_callers_to_retry() -> None:
    schemas = Schemas({1: TEXT})
    ours = converter(schemas)
    schemas.down = True
    with pytest.raises(OSError, match="down"):
        await ours.prepare("t", [framed(1, b"a")])
    schemas.down = False
    await ours.prepare("t", [framed(1, b"a")])
    assert ours.decode("t", framed(1, b"a"), ()).value == "a"


async def test_an_unknown_schema_is_the_records_failure_until_it_is_registered() -> None:
    schemas = Schemas({})
    ours = converter(schemas)
    await ours.prepare("t", [framed(7, b"a")])
    with pytest.raises(BadRecordError, match="no schema 7"):
        ours.decode("t", framed(7, b"a"), ())
    schemas.schemas[7] = TEXT
    await ours.prepare("t", [framed(7, b"a")])
    assert ours.decode("t", framed(7, b"a"), ()).value == "a"


@pytest.mark.parametrize(
    ("registered", "why"),
    [
        (RegisteredSchema(kind="AVRO", text=""), "of kind AVRO"),
        (RegisteredSchema(kind="TEXT", text="too odd"), "too odd"),
    ],
)
async def test_a_schema_that_cannot_be_used_is_asked_for_once_and_its_records_say_why(
    registered: RegisteredSchema, why: str
) -> None:
    schemas = Schemas({1: registered})
    ours = converter(schemas)
    for _ in range(2):
        await ours.prepare("t", [framed(1, b"a")])
        with pytest.raises(BadRecordError, match=why):
            ours.decode("t", framed(1, b"a"), ())
    assert schemas.asked == [1]


@pytest.mark.parametrize("data", [b"", b"\0\0\0\0", b"\1\0\0\0\1a", b'{"a":1}'])
async def test_bytes_without_the_prefix_are_the_records_failure_and_ask_nobody(data: bytes) -> None:
    schemas = Schemas({})
    ours = converter(schemas)
    await ours.prepare("t", [data])
    with pytest.raises(BadRecordError, match="wire format"):
        ours.decode("t", data, ())
    assert schemas.asked == []


async def test_whatever_a_decoder_raises_is_the_records_failure() -> None:
    ours = converter(Schemas({1: TEXT}))
    await ours.prepare("t", [framed(1, b"")])
    with pytest.raises(BadRecordError, match="UnicodeDecodeError"):
        ours.decode("t", framed(1, b"\xff"), ())


def test_a_tombstone_stays_one() -> None:
    assert converter(Schemas({})).decode("t", None, ()) == Decoded(None, None)


@pytest.mark.parametrize("name", REGISTRY_CLASSES)
def test_a_converter_without_a_registry_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"schema\.registry\.url is required"):
        make_converter(ConverterConfig(class_name=name), is_key=False)


def test_options_the_client_refuses_are_told() -> None:
    options = {"schema.registry.url": "http://localhost:1", "basic.auth.user.info": "no-colon"}
    with pytest.raises(ValueError, match=r"basic\.auth\.user\.info"):
        make_converter(
            ConverterConfig(class_name=next(iter(REGISTRY_CLASSES)), options=options), is_key=False
        )


class Gauge(Schemas):
    """Notes how many ask at the same time."""

    def __init__(self, schemas: dict[int, RegisteredSchema]) -> None:
        super().__init__(schemas)
        self.asking = 0
        self.most = 0

    async def schema(self, schema_id: int) -> RegisteredSchema:
        self.asking += 1
        self.most = max(self.most, self.asking)
        await asyncio.sleep(0)
        try:
            return await super().schema(schema_id)
        finally:
            self.asking -= 1


async def test_many_schemas_are_asked_for_together_but_not_all_at_once() -> None:
    schemas = Gauge(dict.fromkeys(range(300), TEXT))
    await converter(schemas).prepare("t", [framed(number, b"") for number in range(300)])
    assert sorted(schemas.asked) == list(range(300))
    assert 1 < schemas.most <= 16
    assert schemas.asking == 0


async def test_an_outage_among_many_leaves_no_request_behind() -> None:
    schemas = Gauge(dict.fromkeys(range(300), TEXT))
    schemas.down = True
    with pytest.raises(OSError, match="down"):
        await converter(schemas).prepare("t", [framed(number, b"") for number in range(300)])
    assert schemas.asking == 0
    assert len(schemas.asked) <= 16


async def test_what_is_not_registered_is_asked_for_ever_less_often() -> None:
    now = 0.0
    schemas = Schemas({})
    ours = RegistryConverter(source=schemas, kind="TEXT", compile_schema=compile_text, clock=lambda: now)
    asked = []
    for _ in range(600):
        await ours.prepare("t", [framed(7, b"a")])
        asked.append(len(schemas.asked))
        now += 0.1
    assert asked[:2] == [1, 2]
    assert asked[-1] < 10
    schemas.schemas[7] = TEXT
    now += 30.0
    await ours.prepare("t", [framed(7, b"a")])
    assert ours.decode("t", framed(7, b"a"), ()).value == "a"


async def test_what_records_say_fills_no_memory() -> None:
    schemas = Schemas({})
    ours = converter(schemas)
    for start in range(0, 12_000, 2_000):
        await ours.prepare("t", [framed(number, b"") for number in range(start, start + 2_000)])
    assert len(ours._unknown) <= MOST_REFUSED  # noqa: SLF001 - a bound on memory cannot be seen from outside


@pytest.mark.parametrize(
    ("key", "source", "taken"),
    [
        ("basic.auth.credentials.source", "USER_INFO", True),
        ("basic.auth.credentials.source", " url ", True),
        ("schema.registry.basic.auth.credentials.source", "URL", True),
        ("basic.auth.credentials.source", "SASL_INHERIT", False),
        ("schema.registry.basic.auth.credentials.source", "USER-INFO", False),
    ],
)
def test_credentials_that_would_come_from_elsewhere_are_refused(
    key: str, source: str, *, taken: bool
) -> None:
    """Left out in silence, they would be missing when the registry asks for them."""
    options = {"schema.registry.url": "http://localhost:1", "basic.auth.user.info": "u:p", key: source}
    with nullcontext() if taken else pytest.raises(ValueError, match=r"known are URL, USER_INFO"):
        make_source(options)
