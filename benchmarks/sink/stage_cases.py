"""Records of each kind for `benchmarks.sink.stages`: their schema, how their values are written, and how they are read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from benchmarks.sink import transforms
from benchmarks.sink.formats import AVRO, PROTOBUF, AvroValues, ProtobufValues
from benchmarks.sink.orders import Envelope, Order, new_orders, orders_and_updates
from sink_connector.converters import Converter
from sink_connector.converters.registry.avro import compile_avro
from sink_connector.converters.registry.protobuf import compiler
from sink_connector.converters.registry.wire import Compile, RegisteredSchema, RegistryConverter

SCHEMA_ID = 1


@dataclass(frozen=True, slots=True)
class _Registry:
    """A registry that has one schema: it is asked once, so what it costs does not count."""

    registered: RegisteredSchema

    async def schema(self, schema_id: int) -> RegisteredSchema:  # noqa: ARG002 - the protocol's
        return self.registered


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Records of one kind, and how they are written."""

    mode: str
    orders: Callable[[int], Iterator[Order]]
    values: Callable[[], Any] = Envelope
    schema: str = ""
    kind: str = ""
    compile_schema: Compile | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    table: str = "table"

    def converter(self) -> Converter | None:
        """The converter of the values, where it is none that a configuration names."""
        if self.compile_schema is None:
            return None
        source = _Registry(RegisteredSchema(kind=self.kind, text=self.schema))
        return RegistryConverter(source=source, kind=self.kind, compile_schema=self.compile_schema)


CASES = {
    "insert": Case(mode="insert", orders=new_orders),
    "upsert": Case(mode="upsert", orders=orders_and_updates),
    "transforms": Case(
        mode="upsert", orders=orders_and_updates, settings=transforms.SETTINGS, table="changed_table"
    ),
    "avro": Case(
        mode="insert", orders=new_orders, values=partial(AvroValues, SCHEMA_ID), schema=AVRO, kind="AVRO", compile_schema=compile_avro
    ),
    "protobuf": Case(
        mode="insert", orders=new_orders, values=partial(ProtobufValues, SCHEMA_ID), schema=PROTOBUF, kind="PROTOBUF",
        compile_schema=compiler({}),
    ),
}  # fmt: skip
