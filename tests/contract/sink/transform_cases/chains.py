"""RegexRouter, TimestampRouter, Filter under the predicates, and chains of several."""

from collections.abc import Iterable, Mapping

from tests.contract.sink.transform_cases.building import (
    MAP,
    OPTIONAL,
    PACKAGE,
    PLAIN,
    Case,
    case,
    record,
    step,
    typed,
)
from tests.contract.sink.transform_cases.metadata import HEADERS

REGEXES = [
    ("(.*)", "copy_$1"), ("orders", "x"), ("order", "x"), ("(?<kind>or)ders", "${kind}-x"), ("o|orders", "[$0]"), (".*", "x"), ("(o)(r).*", "$2$1"), ("orders", "a\\$b"), ("(orders)", "$2"),
    ("orders", "$"), ("(.*)", "${absent}"), ("(", "x"), ("\\p{Lower}+", "x"), ("\\p{L}+", "x"), ("[a-z&&[^o]]+", "x"), ("\\Qorders\\E", "x"), ("o\\w++", "x"), ("(?i)ORDERS", "x"), ("^orders$", "x"),
    ("orders\\z", "x"), ("(?:or)(ders)?", "$1"), ("orders", ""), ("(a)?orders", "$1x"), ("\\h*orders", "x"), ("[[:alpha:]]+", "x"), ("(.*)", "$10"), ("(\\w)\\w*", "$1\\\\n"), ("[\\w.-]+", "x"), ("\\p{IsAlphabetic}+", "x"),
    ("(?<a>o)(?<b>r).*", "${b}${a}$0"), ("(?>orders)", "x"), ("\\Aorders\\Z", "x"), ("[^\\s]+", "x"), ("o{1}rders", "x"), ("(o)rd\\1?ers", "x"), ("orders{", "x"), ("\\x6frders", "x"), ("\\u006frders", "x"), ("orders", "\\"),
]  # fmt: skip


def router_cases() -> Iterable[Case]:
    """RegexRouter."""
    for regex, replacement in REGEXES:
        yield case(
            f"{regex} by {replacement}",
            "RegexRouter",
            {"regex": regex, "replacement": replacement},
            record(PLAIN, headers=HEADERS),
        )
    yield case("without a regex", "RegexRouter", {"replacement": "x"}, record(PLAIN))
    yield case("without a replacement", "RegexRouter", {"regex": "x"}, record(PLAIN))


def timestamp_router_cases() -> Iterable[Case]:
    """TimestampRouter."""
    options: list[dict[str, str]] = [
        {}, {"topic.format": "${timestamp}-${topic}"}, {"timestamp.format": "yyyy.MM.dd.HH"}, {"topic.format": "fixed"},
        {"topic.format": "$topic ${topic} ${topic}"}, {"timestamp.format": "YYYY-ww"}, {"timestamp.format": "bogus"}, {"timestamp.format": ""},
    ]  # fmt: skip
    for option in options:
        yield case(f"{option}", "TimestampRouter", option, record(PLAIN))
    yield case("a topic with a dollar", "TimestampRouter", {}, record(PLAIN, topic="a$b"))
    yield case("without a timestamp", "TimestampRouter", {}, record(PLAIN, timestamp=None))


def on(predicate: str, options: Mapping[str, str], *, negate: str | None = None) -> dict[str, str]:
    """A Filter under a predicate."""
    config = {
        "transforms": "t",
        **step("Filter"),
        "transforms.t.predicate": "p",
        "predicates": "p",
        "predicates.p.type": f"{PACKAGE}.predicates.{predicate}",
    }
    config |= {f"predicates.p.{key}": value for key, value in options.items()}
    return config if negate is None else {**config, "transforms.t.negate": negate}


def predicate_cases() -> Iterable[Case]:
    """Filter, the predicates, and the chain."""
    yield case("filter", "Filter", None, record(PLAIN))
    predicates: list[tuple[str, dict[str, str]]] = [
        ("TopicNameMatches", {"pattern": "ord.*"}), ("TopicNameMatches", {"pattern": "ord"}), ("TopicNameMatches", {"pattern": "("}), ("TopicNameMatches", {"pattern": ""}),
        ("TopicNameMatches", {}), ("HasHeaderKey", {"name": "a"}), ("HasHeaderKey", {"name": "absent"}), ("HasHeaderKey", {"name": ""}), ("HasHeaderKey", {}), ("RecordIsTombstone", {}),
    ]  # fmt: skip
    for predicate, options in predicates:
        for negate in (None, "true", "false"):
            for name, data in (
                ("a record", record(PLAIN, headers=HEADERS)),
                ("a tombstone", record(key=PLAIN)),
            ):
                config = on(predicate, options, negate=negate)
                yield Case(name=f"{predicate} {options}, negate {negate}, {name}", config=config, record=data)
    tombstone_with_schema = record(typed(OPTIONAL["schema"], None))
    yield Case(
        name="a null with a schema is a tombstone",
        config=on("RecordIsTombstone", {}),
        record=tombstone_with_schema,
    )
    yield from (Case(name=name, config=config, record=record(PLAIN)) for name, config in bad_chains())
    two = {
        "transforms": "one, two",
        **step("InsertField$Value", {"topic.field": "from"}, alias="one"),
        **step("ReplaceField$Value", {"exclude": "name,note"}, alias="two"),
    }
    yield Case(name="two in order", config=two, record=record(PLAIN))
    unwrap = {"transforms": "hoist,flat,key,id", **step("HoistField$Value", {"field": "o"}, alias="hoist"), **step("Flatten$Value", {"delimiter": "_"}, alias="flat"),
              **step("ValueToKey", {"fields": "o_id"}, alias="key"), **step("ExtractField$Key", {"field": "o_id"}, alias="id")}  # fmt: skip
    yield Case(name="four in order", config=unwrap, record=record(PLAIN))
    yield Case(name="four in order on a map", config=unwrap, record=record(MAP))
    filtered = {
        "transforms": "drop,route",
        **step("Filter", alias="drop"),
        **step("RegexRouter", {"regex": ".*", "replacement": "x"}, alias="route"),
    }
    yield Case(name="nothing follows a filter", config=filtered, record=record(PLAIN))
    yield Case(name="no transforms", config={}, record=record(PLAIN))
    yield Case(name="an empty list", config={"transforms": ""}, record=record(PLAIN))


def bad_chains() -> Iterable[tuple[str, dict[str, str]]]:
    """Chains that cannot be."""
    router = {"transforms": "t", **step("RegexRouter", {"regex": ".*", "replacement": "x"})}
    yield "an alias without a type", {"transforms": "t"}
    yield "an alias twice", {**router, "transforms": "t,t"}
    yield "a type that is not there", {"transforms": "t", "transforms.t.type": "com.example.Nowhere"}
    yield "a type without its side", {"transforms": "t", **step("Cast", {"spec": "id:string"})}
    yield "a predicate in place of a transform", {"transforms": "t", **step("predicates.RecordIsTombstone")}
    yield "negate without a predicate", {**router, "transforms.t.negate": "true"}
    yield "a predicate that is not defined", {**router, "transforms.t.predicate": "absent"}
    yield "a predicate without a type", {**router, "transforms.t.predicate": "p", "predicates": "p"}
    yield "a predicate twice", {**on("RecordIsTombstone", {}), "predicates": "p,p"}
    yield (
        "a predicate that is not there",
        {**router, "predicates": "p", "predicates.p.type": "com.example.Nowhere"},
    )
    yield "negate that is no boolean", on("RecordIsTombstone", {}, negate="perhaps")
