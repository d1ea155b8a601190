"""From `transforms` and `predicates` keys to a chain: what is refused, and with which words."""

import pytest
from msgspec import structs

from sink_connector.data.record import Field, Record, Schema, Type
from sink_connector.errors import BadRecordError, ConfigError, Stage
from sink_connector.transforms import Chain
from sink_connector.transforms.catalog import PREDICATES, TRANSFORMS, find
from sink_connector.transforms.configuration import chain_of

ORDER = Schema(
    type=Type.STRUCT, fields=(Field("id", Schema(type=Type.INT64)), Field("note", Schema(type=Type.STRING)))
)
RECORD = Record(
    topic="orders", partition=0, offset=1, timestamp=None, key_schema=None, key=None, value_schema=ORDER,
    value={"id": 1, "note": "n"},
)  # fmt: skip


def problems(**config: str) -> dict[str, list[str]]:
    with pytest.raises(ConfigError) as caught:
        chain_of({key.replace("__", "."): value for key, value in config.items()})
    return caught.value.problems


def test_all_sixteen_transforms_and_three_predicates_are_there_by_both_of_their_names() -> None:
    assert len({name.removesuffix("$Key").removesuffix("$Value") for name in TRANSFORMS}) == 16
    assert len(PREDICATES) == 3
    for name, plugin in TRANSFORMS.items():
        assert (
            find(TRANSFORMS, name)
            is find(TRANSFORMS, f"org.apache.kafka.connect.transforms.{name}")
            is plugin
        )


def test_a_transform_that_is_not_there_is_answered_with_those_that_are() -> None:
    [found] = problems(transforms="t", transforms__t__type="com.example.Nowhere")["transforms.t.type"]
    assert "com.example.Nowhere" in found
    assert all(name in found for name in TRANSFORMS)


def test_a_predicate_that_is_not_there_is_answered_with_those_that_are() -> None:
    [found] = problems(predicates="p", predicates__p__type="com.example.Nowhere")["predicates.p.type"]
    assert all(name in found for name in PREDICATES)


@pytest.mark.parametrize(("option", "left"), [("blacklist", {"id": 1}), ("whitelist", {"note": "n"})])
def test_what_replace_field_was_told_before_connect_4_is_followed(
    option: str, left: dict[str, object]
) -> None:
    config = {"transforms": "t", "transforms.t.type": "ReplaceField$Value", f"transforms.t.{option}": "note"}
    made = chain_of(config).apply(RECORD)
    assert made is not None
    assert made.value == left


def test_an_option_that_is_not_there_is_answered_with_those_that_are() -> None:
    config = {
        "transforms": "t",
        "transforms.t.type": "RegexRouter",
        "transforms.t.regex": "a",
        "transforms.t.replacement": "b",
    }
    with pytest.raises(ConfigError) as caught:
        chain_of({**config, "transforms.t.regexp": "a"})
    assert caught.value.problems == {
        "transforms.t.regexp": ["is no option of RegexRouter; its options are: regex, replacement"]
    }


def test_every_problem_of_every_transform_is_told_at_once() -> None:
    found = problems(
        transforms="a,b", transforms__a__type="Cast$Value", transforms__b__type="MaskField$Value", transforms__b__fields="x,x",
        transforms__b__replace="1",
    )  # fmt: skip
    assert set(found) == {"transforms.a.spec", "transforms.b.fields", "transforms.b.replace"}


def test_a_chain_without_transforms_is_empty() -> None:
    assert not chain_of({})
    assert chain_of({"transforms": "t", "transforms.t.type": "Filter"})


def test_equal_records_keep_one_derived_schema() -> None:
    chain = chain_of(
        {"transforms": "t", "transforms.t.type": "InsertField$Value", "transforms.t.topic.field": "topic"}
    )
    first, second = chain.apply(RECORD), chain.apply(structs.replace(RECORD, value={"id": 2, "note": ""}))
    same_by_value = chain.apply(
        structs.replace(RECORD, value_schema=Schema(type=Type.STRUCT, fields=ORDER.fields))
    )
    assert first is not None
    assert second is not None
    assert same_by_value is not None
    assert first.value_schema is second.value_schema is same_by_value.value_schema


def test_a_schema_that_changes_in_mid_stream_is_followed_and_changes_back() -> None:
    chain = chain_of(
        {"transforms": "t", "transforms.t.type": "ReplaceField$Value", "transforms.t.exclude": "note"}
    )
    wider = Schema(type=Type.STRUCT, fields=(*ORDER.fields, Field("total", Schema(type=Type.INT32))))
    seen = []
    for schema, value in (
        (ORDER, {"id": 1, "note": ""}),
        (wider, {"id": 2, "note": "", "total": 3}),
        (ORDER, {"id": 4, "note": ""}),
    ):
        changed = chain.apply(structs.replace(RECORD, value_schema=schema, value=value))
        assert changed is not None
        assert changed.value_schema is not None
        seen.append(([each.name for each in changed.value_schema], changed.value))
    assert seen == [(["id"], {"id": 1}), (["id", "total"], {"id": 2, "total": 3}), (["id"], {"id": 4})]


def test_the_record_that_came_in_is_never_changed() -> None:
    chain = chain_of({"transforms": "t", "transforms.t.type": "MaskField$Value", "transforms.t.fields": "id"})
    masked = chain.apply(RECORD)
    assert masked is not None
    assert (masked.value["id"], RECORD.value["id"]) == (0, 1)


class Broken:
    """A transform with a mistake in it."""

    def apply(self, record: Record) -> Record:
        raise KeyError(record.topic)


def test_whatever_a_transform_raises_is_that_records_failure() -> None:
    with pytest.raises(BadRecordError, match="KeyError in Broken") as caught:
        Chain([Broken()]).apply(RECORD)
    assert caught.value.stage is Stage.TRANSFORMATION
