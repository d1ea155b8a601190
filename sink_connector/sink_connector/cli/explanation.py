"""An explanation as text."""

from collections.abc import Iterator, Mapping
from typing import Any

from sink_connector.cli.values import MOST_TEXT, bytes_as_text, shortened, text_of

INDENT = "  "
OUTCOMES = {
    "row": "it would be written",
    "skipped": "it would be skipped: its value is null, and delete.enabled is false",
    "dropped": "a transform drops it",
    "untried": "the task would fail",
}


def as_text(report: Mapping[str, Any]) -> str:
    """The record's way from top to bottom."""
    record = report["record"]
    lines = [
        f"{record['topic']}/{record['partition']}/{record['offset']} of {report['timestamp'] or 'no time'}"
    ]
    sections = (
        ("raw", _raw(report["raw"])),
        ("converted", _converted(report["converted"])),
        ("transforms", _transforms(report["transforms"])),
        ("row", _row(report["row"])),
        ("statements", _statements(report)),
        ("outcome", _outcome(report)),
    )
    for title, found in sections:
        written = [f"{INDENT}{line}" for text in found for line in text.splitlines()]
        lines += ["", title, *written] if written else []
    return "\n".join(lines)


def _raw(raw: Mapping[str, Any]) -> Iterator[str]:
    yield f"key    {_bytes(raw['key'])}"
    yield f"value  {_bytes(raw['value'])}"
    for header in raw["headers"]:
        yield f"header {header['name']}: {_bytes(header['value'])}"


def _bytes(data: Mapping[str, Any] | None) -> str:
    if data is None:
        return "null"
    shown = data["text"].encode() if "text" in data else bytes.fromhex(data["hex"])
    text = bytes_as_text(shown)
    more = "…" if len(shown) < data["size"] else ""
    unit = "byte" if data["size"] == 1 else "bytes"
    separator = "\n" if "hex" in data else "  "
    return f"{data['size']:,} {unit}{separator}{text}{more}"


def _converted(converted: Mapping[str, Any]) -> Iterator[str]:
    for side, found in converted.items():
        yield f"{side}  ({found['converter']})"
        if "error" in found:
            yield f"  {found['stage']}: {shortened(found['error'])}"
        else:
            yield f"  {shortened(found['schema'] or 'null')}"
            yield f"  {text_of(found['value'])}"


def _transforms(steps: list[Mapping[str, Any]]) -> Iterator[str]:
    for step in steps:
        yield f"{step['name']} ({step['type']})"
        if "error" in step:
            yield f"  fails: {shortened(step['error'])}"
        elif "drops" in step:
            yield "  drops the record"
        elif not step["changes"]:
            yield "  changes nothing"
        else:
            for change in step["changes"]:
                before = text_of(change["before"]) if "before" in change else "not there"
                after = text_of(change["after"]) if "after" in change else "not there"
                yield f"  {change['where']}: {before} → {after}"


def _row(row: Mapping[str, Any] | None) -> Iterator[str]:
    if row is None:
        return
    yield f"{row['mode']} {row['table']}"
    for cell in row["cells"]:
        key = ", key" if cell["is_key"] else ""
        yield (
            f"{cell['from']} ({cell['schema']}) → {cell['column']} ({cell['type']}{key}), "
            f"sent as {cell['sent_as']}: {text_of(cell.get('sent', cell['value']))}"
        )
        if "error" in cell:
            yield f"  which it refuses: {shortened(cell['error'])}"
    if row["afterwards"]:
        yield f"afterwards the row has {text_of(row['afterwards'])}"


def _statements(report: Mapping[str, Any]) -> Iterator[str]:
    if report["makes_schema_sink"]:
        yield "(first those that make the schema sink, as `sink-connector init` does)"
    for each in report["statements"]:
        yield shortened(each["sql"], most=10 * MOST_TEXT)
        for number, value in enumerate(each["parameters"], 1):
            yield f"  ${number} = {text_of(value)}"
        if "error" in each:
            yield f"  fails: {shortened(each['error'])}"


def _outcome(report: Mapping[str, Any]) -> Iterator[str]:
    outcome = report["outcome"]
    if outcome["result"] == "bad":
        yield f"it is bad at {outcome['stage']}: {outcome['error_class']}: {outcome['error']}"
    else:
        yield OUTCOMES[outcome["result"]]
    if "stopped" in outcome:
        yield f"the task would fail: {outcome['stopped']}"
    if "not_there_afterwards" in outcome:
        yield "afterwards no such row is there"
    if "note" in outcome:
        yield outcome["note"]
    if report["next_offset"] is None:
        yield "the connector has committed nothing of this partition"
    else:
        past = "past it" if report["is_committed"] else "not past it"
        yield f"the connector is {past}: it goes on at offset {report['next_offset']}"
    letter = report["dead_letter"]
    if letter is not None:
        yield f"dead letter {letter['id']} of {letter['parked_at']}, at {letter['stage']}: {shortened(letter['error'])}"
