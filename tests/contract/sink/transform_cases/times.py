"""TimestampConverter."""

from collections.abc import Iterable
from typing import Any

from tests.contract.sink.transform_cases.building import (
    DEFAULTED,
    INT32,
    INT64,
    MAP,
    MILLIS,
    OPTIONAL,
    PLAIN,
    STRING,
    Case,
    Json,
    bare,
    both_sides,
    case,
    logical,
    of,
    record,
    refuses,
    struct,
    typed,
)

TIMES: list[tuple[str, Json, Any]] = [
    ("Timestamp", logical("Timestamp"), MILLIS), ("Date", logical("Date"), 19782), ("Time", logical("Time"), 45_296_789), ("int64", INT64, MILLIS),
    ("negative int64", INT64, -1_500), ("string", STRING, "2024-02-29 12:34:56.789"), ("bad string", STRING, "yesterday"), ("int32", INT32, 5),
    ("null", logical("Timestamp", optional=True), None), ("null with a default", of("int64", optional=True, default=MILLIS), None),
    ("Timestamp before 1970", logical("Timestamp"), -1),
]  # fmt: skip
TARGETS = ("string", "unix", "Date", "Time", "Timestamp")
FORMATS = (
    "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "yyyy-MM-dd'T'HH:mm:ssXXX", "yyyyMMddHHmmssSSS", "dd/MM/yy hh:mm a", "EEE, d MMM yyyy HH:mm:ss Z",
    "EEEE MMMM dd, yyyy", "H:m:s.S", "k K h", "D", "yyyy.MM.dd G 'at' HH:mm:ss z", "yyyyy.MMMMM.dd", "X", "XX", "u", "''yy''", "YYYY-'W'ww-u", "F W", "yyyy-MM-dd zzzz", "L LLL",
)  # fmt: skip
PARSED = [
    ("yyyy-MM-dd", "2024-02-29"), ("yyyy-MM-dd", "2024-2-9"), ("yyyy-MM-dd", "2024-02-30"), ("yyyy-MM-dd", "2024-13-01"), ("yyyy-MM-dd", "24-02-29"),
    ("yyyy-MM-dd", "2024-02-29 and more"), ("yyyy-MM-dd", " 2024-02-29"), ("yyyy-MM-dd", "2024/02/29"), ("yyyyMMdd", "20240229"), ("yyyyMMdd", "2024022"), ("yy-MM-dd", "24-02-29"),
    ("yy-MM-dd", "2024-02-29"), ("yyyy-MM-dd'T'HH:mm:ss.SSSX", "2024-02-29T12:34:56.789+02:00"), ("yyyy-MM-dd'T'HH:mm:ss.SSSX", "2024-02-29T12:34:56.789Z"),
    ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2024-02-29T12:34:56.789+02:00"), ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2024-02-29T12:34:56.789+0200"), ("yyyy-MM-dd'T'HH:mm:ss.SSSX", "2024-02-29T12:34:56.789+02"),
    ("yyyy-MM-dd HH:mm:ss Z", "2024-02-29 12:34:56 +0200"), ("yyyy-MM-dd HH:mm:ss z", "2024-02-29 12:34:56 UTC"), ("yyyy-MM-dd HH:mm:ss z", "2024-02-29 12:34:56 GMT+02:00"),
    ("yyyy-MM-dd HH:mm:ss z", "2024-02-29 12:34:56 PST"), ("dd MMM yyyy", "29 Feb 2024"), ("dd MMM yyyy", "29 feb 2024"), ("dd MMMM yyyy", "29 February 2024"), ("dd MMM yyyy", "29 February 2024"),
    ("hh:mm a", "12:34 AM"), ("hh:mm a", "12:34 pm"), ("hh:mm a", "01:34 PM"), ("HH:mm", "25:61"), ("ss.SSS", "1.5"), ("ss.SSS", "1.500000"), ("D yyyy", "60 2024"), ("EEE dd MM yyyy", "Thu 29 02 2024"),
    ("EEE dd MM yyyy", "Mon 29 02 2024"), ("yyyy", "-5"), ("yyyy-MM-dd", ""), ("kk:mm", "24:30"), ("KK:mm a", "11:30 PM"), ("yyyy-MM-dd G", "0044-03-15 BC"), ("HHmm", "1234"), ("H:mm", "9:05"),
    ("yyyyMMddHHmmssSSS", "20240229123456789"), ("MM-dd", "02-29"), ("yyyy-MM-dd", "9999-12-31"), ("yyyy-MM-dd", "10000-01-01"),
]  # fmt: skip


def form_cases() -> Iterable[Case]:
    """TimestampConverter, from each form to each other."""
    for source, schema, value in TIMES:
        for target in TARGETS:
            options = {"field": "at", "target.type": target, "format": "yyyy-MM-dd HH:mm:ss.SSS"}
            yield case(
                f"{source} to {target}",
                "TimestampConverter$Value",
                options,
                record(struct(id=(INT64, 1), at=(schema, value))),
            )
            whole = {"target.type": target, "format": "yyyy-MM-dd HH:mm:ss.SSS"}
            yield from both_sides(
                f"whole {source} to {target}", "TimestampConverter", whole, typed(schema, value)
            )
    for value in (MILLIS, "2024-02-29 12:34:56.789", "yesterday", None, 1.5, True):
        for target in TARGETS:
            options = {"field": "at", "target.type": target, "format": "yyyy-MM-dd HH:mm:ss.SSS"}
            yield case(
                f"{value!r} in a map to {target}",
                "TimestampConverter$Value",
                options,
                record(bare({"at": value, "id": 1})),
            )
            whole = {key: option for key, option in options.items() if key != "field"}
            yield from both_sides(f"{value!r} to {target}", "TimestampConverter", whole, bare(value))


def precision_cases() -> Iterable[Case]:
    """TimestampConverter, from and to integers of each unit."""
    for precision in ("seconds", "milliseconds", "microseconds", "nanoseconds"):
        for at in (MILLIS, -1_500, 1_709_210_096):
            options = {"field": "at", "unix.precision": precision}
            yield case(
                f"{at} {precision} to Timestamp",
                "TimestampConverter$Value",
                {**options, "target.type": "Timestamp"},
                record(bare({"at": at})),
            )
            data = struct(at=(logical("Timestamp"), at))
            yield case(
                f"Timestamp {at} to unix {precision}",
                "TimestampConverter$Value",
                {**options, "target.type": "unix"},
                record(data),
            )


def format_cases() -> Iterable[Case]:
    """TimestampConverter, from and to texts, and the configurations it refuses."""
    for format_ in FORMATS:
        options = {"target.type": "string", "format": format_}
        for at in (MILLIS, 0, -86_400_001):
            yield case(
                f"{at} as {format_}",
                "TimestampConverter$Value",
                options,
                record(typed(logical("Timestamp"), at)),
            )
    for format_, text in PARSED:
        options = {"target.type": "unix", "format": format_}
        yield case(f"{text} by {format_}", "TimestampConverter$Value", options, record(bare(text)))
    yield case(
        "a field that is not there",
        "TimestampConverter$Value",
        {"field": "absent", "target.type": "unix"},
        record(PLAIN),
    )
    yield case(
        "a field that is not in the map",
        "TimestampConverter$Value",
        {"field": "absent", "target.type": "unix"},
        record(MAP),
    )
    unfit = struct(schema={"optional": True}, at=(of("double"), 1.5))
    for name, payload in (("a struct", unfit["payload"]), ("a null", None)):
        options = {"field": "at", "target.type": "unix"}
        yield case(
            f"{name} with a field that is no instant",
            "TimestampConverter$Value",
            options,
            record({**unfit, "payload": payload}),
        )
    null = typed(logical("Time", optional=True), None)
    yield from both_sides(
        "a null that is no struct", "TimestampConverter", {"field": "at", "target.type": "unix"}, null
    )
    kept = {"field": "at", "target.type": "Timestamp", "replace.null.with.default": "false"}
    defaulted = struct(at=(of("int64", optional=True, default=MILLIS), None), state=(DEFAULTED, None))
    yield case("defaults kept null", "TimestampConverter$Value", kept, record(defaulted))
    yield case(
        "an optional struct",
        "TimestampConverter$Value",
        {"field": "id", "target.type": "Timestamp"},
        record(OPTIONAL),
    )
    yield case(
        "a string without a format", "TimestampConverter$Value", {"target.type": "unix"}, record(bare("2024"))
    )
    for name, options in [
        ("no target", {"field": "at"}), ("a target that is not there", {"target.type": "epoch"}), ("to a string without a format", {"target.type": "string"}),
        ("a bad format", {"target.type": "string", "format": "bogus"}), ("an open quote", {"target.type": "string", "format": "yyyy'"}),
        ("a precision that is not there", {"target.type": "unix", "unix.precision": "days"}), ("a blank format", {"target.type": "string", "format": " "}),
    ]:  # fmt: skip
        yield case(name, "TimestampConverter$Value", options, record(PLAIN))
    yield from refuses("TimestampConverter", {"field": "at", "target.type": "unix"})
