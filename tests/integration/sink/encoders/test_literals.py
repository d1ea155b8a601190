"""Texts of arrays, composite values and ranges are read as the server reads them: drawn by chance, and compared with it."""

import json
import random
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from sink_connector.sink.encoders.literals import (
    array_elements,
    array_literal,
    range_parts,
    ranges,
    record_fields,
)

TEXTS = 4_000
SETUP = (
    "CREATE TYPE three AS (a text, b text, c text)",
    'CREATE TYPE words AS RANGE (subtype = text, collation = "C", multirange_type_name = manywords)',
)
VALID_INPUT = 16  # the first PostgreSQL that says whether a text is a value of a type


def _array(text: str) -> Any:
    return array_elements(text)


def _range(parts: list[str | None]) -> tuple[Any, ...]:
    lower, upper, kind = parts
    if kind is None or kind == "empty":
        return (None, None, False, False, True)
    if lower is not None and lower == upper and kind != "[]":
        return (None, None, False, False, True)  # of which the server says no bounds
    return (lower, upper, lower is not None and kind[0] == "[", upper is not None and kind[1] == "]", False)


FORMS: dict[str, tuple[str, tuple[str, ...], str, Callable[[str], Any]]] = {
    "text[]": (
        "to_jsonb($1::text::text[])::text",
        ("{", "}", "{", "}", ",", ",", '"', '"', "\\", " ", "\n", "NULL", "null", "a", "b", "[1:2]=", "[0:1]=", "[2]", "=", "(", "é"),
        "{%s}",
        _array,
    ),
    "three": (
        "to_jsonb(ARRAY[($1::text::three).a, ($1::text::three).b, ($1::text::three).c])::text",
        ("(", ")", ",", ",", ",", '"', '"', '""', "\\", " ", "\n", "NULL", "a", "{", "é"),
        "(%s)",
        record_fields,
    ),
    "words": (
        "to_jsonb(ARRAY[lower($1::text::words), upper($1::text::words), lower_inc($1::text::words)::text, upper_inc($1::text::words)::text, isempty($1::text::words)::text])::text",
        ("(", ")", "[", "]", ",", ",", '"', '"', "\\", " ", "a", "b", "empty", "é"),
        "[%s)",
        lambda text: _range(range_parts(text)),
    ),
}  # fmt: skip


def _texts(letters: tuple[str, ...], whole: str, chance: random.Random) -> list[str]:
    drawn = ["".join(chance.choices(letters, k=chance.randint(0, 9))) for _ in range(TEXTS)]
    return [text if chance.random() < 0.2 else whole % text for text in drawn]


@pytest.mark.parametrize("kind", FORMS)
async def test_a_text_is_read_as_the_server_reads_it(kind: str, database: str) -> None:
    said, letters, whole, read = FORMS[kind]
    connection = await asyncpg.connect(database)
    try:
        if connection.get_server_version().major < VALID_INPUT:
            pytest.skip("this server does not say whether a text is a value of a type")
        for statement in SETUP:
            await connection.execute(statement)
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=str)
        valid = await connection.prepare("SELECT pg_input_is_valid($1, $2)")
        value = await connection.prepare(f"SELECT CASE WHEN pg_input_is_valid($1, '{kind}') THEN {said} END")
        right = 0
        for text in _texts(letters, whole, random.Random(kind)):  # noqa: S311 - no secrets
            try:
                found = read(text)
            except ValueError:
                # What is refused here is refused there, but for arrays that are counted from another place than 1.
                assert "[" in text or not await valid.fetchval(text, kind), text
                continue
            if not await valid.fetchval(text, kind):
                continue  # the server has the last word
            expected = _parsed(await value.fetchval(text), kind)
            assert (text, found) == (text, expected)
            right += 1
        assert right > TEXTS // 40
    finally:
        await connection.close()


def _parsed(said: str, kind: str) -> Any:
    found = json.loads(said)
    if kind == "words":
        return (*found[:2], *(each == "true" for each in found[2:]))
    return found


def test_a_multirange_is_taken_apart_into_its_ranges() -> None:
    assert ranges(' { [a,"}"] ,(,b), empty} ') == ['[a,"}"]', "(,b)", "empty"]
    assert ranges("{}") == []
    with pytest.raises(ValueError, match="expected"):
        ranges("{[a,b) (c,d)}")


def test_what_is_put_together_is_what_is_taken_apart() -> None:
    elements = ["", None, "NULL", 'a"\\{},', " x ", ["[", None]]
    assert array_elements(array_literal(elements)) == elements
