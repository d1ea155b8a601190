"""The ways in which Debezium's connectors are set to write the same changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.contract.sink.typed_columns import MICROS, MILLIS, NANOS, OF_A_SNAPSHOT, SNAPSHOT, TEXTS

UNWRAP = "io.debezium.transforms.ExtractNewRecordState"
COMMON_TABLES = ("customers", "items", "emptied")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A connector's settings, the tables that it reads, and whether its topics beside the tables' are kept."""

    config: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[str, ...] = COMMON_TABLES
    beside: bool = False

    @property
    def routed(self) -> bool:
        """Whether its records name their topics themselves."""
        return "transforms.u.route.by.field" in self.config


def _unwrapped(**options: str) -> dict[str, str]:
    given = {f"transforms.u.{name.replace('__', '.')}": value for name, value in options.items()}
    return {"transforms": "u", "transforms.u.type": UNWRAP, **given}


def _dropping(**options: str) -> dict[str, str]:
    """With the header that lists the fields, which a transform before inserts."""
    inserted = {
        "transforms.h.type": "org.apache.kafka.connect.transforms.InsertHeader",
        "transforms.h.header": "dropped",
        "transforms.h.value.literal": '["note","place","line"]',
    }
    return _unwrapped(drop__fields__header__name="dropped", **options) | inserted | {"transforms": "h,u"}


def _of_rows(tables: tuple[str, ...]) -> dict[str, Way]:
    deletions = "delete__tombstone__handling__mode"
    configs: dict[str, dict[str, str]] = {
        "envelope, no tombstones": {"tombstones.on.delete": "false"},
        "unwrapped": _unwrapped(),
        "unwrapped, deletes rewritten": _unwrapped(**{deletions: "rewrite"}),
        "unwrapped, deletes rewritten with tombstones": _unwrapped(**{deletions: "rewrite-with-tombstone"}),
        "unwrapped, deletes dropped": _unwrapped(**{deletions: "drop"}),
        "unwrapped, deletes as tombstones": _unwrapped(**{deletions: "delete-to-tombstone"}),
        "unwrapped, with fields and headers added": _unwrapped(
            add__fields="op,table:origin,source.db",
            add__headers="op,db",
            add__fields__prefix="m_",
        ),
        "unwrapped, headers with a prefix": _unwrapped(add__headers="op,table", add__headers__prefix="cdc_"),
        "unwrapped, routed by a field": _unwrapped(route__by__field="place"),
        "unwrapped, nulls kept": _unwrapped(replace__null__with__default="false"),
        "unwrapped, fields dropped": _dropping(),
        "unwrapped, fields dropped whatever the schema": _dropping(
            drop__fields__keep__schema__compatible="false"
        ),
        "unwrapped, fields dropped from the key": _dropping(
            drop__fields__from__key="true", drop__fields__keep__schema__compatible="false"
        ),
    }
    beside = Way(config={"provide.transaction.metadata": "true"}, tables=tables, beside=True)
    return {
        "envelope": Way(tables=tables),
        "everything": beside,
        **{name: Way(config=config, tables=tables) for name, config in configs.items()},
    }


_PRECISIONS: dict[str, dict[str, str]] = {
    "types": {},
    TEXTS: {
        "decimal.handling.mode": "string",
        "time.precision.mode": "isostring",
        "binary.handling.mode": "base64",
    },
    MILLIS: {
        "decimal.handling.mode": "double",
        "time.precision.mode": "connect",
        "binary.handling.mode": "hex",
    },
    MICROS: {"time.precision.mode": "microseconds"},
    NANOS: {
        "time.precision.mode": "nanoseconds",
        "binary.handling.mode": "base64-url-safe",
    },
}
_MORE: dict[str, dict[str, str]] = {
    TEXTS: {"interval.handling.mode": "string", "hstore.handling.mode": "map"},
    MICROS: {"decimal.handling.mode": "string"},
}
_UNSIGNED: dict[str, dict[str, str]] = {
    name: {"bigint.unsigned.handling.mode": "precise"} for name in (TEXTS, MILLIS, NANOS)
}
_WITH_SPECIALS = {TEXTS, MILLIS, MICROS}  # the mode precise has no NaN
_SNAPSHOT = ("types_before", "specials_before")

POSTGRESQL_WAYS: dict[str, Way] = {
    **_of_rows((*COMMON_TABLES, "kinds")),
    **{
        name: Way(
            config={**config, **_MORE.get(name, {})},
            tables=(
                "types",
                *(["specials"] if name in _WITH_SPECIALS else []),
                *(["big"] if name == "types" else []),
            ),
        )
        for name, config in _PRECISIONS.items()
    },
    SNAPSHOT: Way(config={"snapshot.mode": "initial", "decimal.handling.mode": "string"}, tables=_SNAPSHOT),
    **{
        f"{name}{OF_A_SNAPSHOT}": Way(
            config={"snapshot.mode": "initial", **_PRECISIONS[name], **_MORE.get(name, {})}, tables=_SNAPSHOT
        )
        for name in (TEXTS, MILLIS)
    },
}
MYSQL_WAYS: dict[str, Way] = {
    **_of_rows(COMMON_TABLES),
    **{
        name: Way(config={**config, **_UNSIGNED.get(name, {})}, tables=("types", "specials"))
        for name, config in _PRECISIONS.items()
    },
    SNAPSHOT: Way(
        config={"snapshot.mode": "initial", "bigint.unsigned.handling.mode": "precise"}, tables=_SNAPSHOT
    ),
}
_OF_NO_YEARS = {
    "column.exclude.list": "shop.types_before.ye,shop.specials_before.y0"
}  # its driver does not read them
MARIADB_WAYS = MYSQL_WAYS | {
    SNAPSHOT: Way(config={**MYSQL_WAYS[SNAPSHOT].config, **_OF_NO_YEARS}, tables=_SNAPSHOT)
}
