"""Names lead to identifiers by one function."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sink_connector.config.connector import TableConfig
from sink_connector.errors import BadRecordError
from sink_connector.sink.identifiers import check, check_schema, literal, quote

ANY = TableConfig().identifiers_allow


@pytest.mark.guarantees("G-SINK-15")
@given(st.text(min_size=1))
def test_no_name_gets_out_of_its_quotes(name: str) -> None:
    assert re.fullmatch(r'"(?:[^"]|"")*"', quote(name), re.DOTALL)
    assert quote(name)[1:-1].replace('""', '"') == name


@given(st.text())
def test_no_text_gets_out_of_its_quotes(text: str) -> None:
    assert re.fullmatch(r"'(?:[^']|'')*'", literal(text), re.DOTALL)
    assert literal(text)[1:-1].replace("''", "'") == text


@pytest.mark.parametrize("name", ["", "a" * 64, "ü" * 32, 'a"b', "a;b", "a\0", "a.b", "x\n"])
def test_a_name_that_is_empty_too_long_or_not_allowed_is_refused(name: str) -> None:
    with pytest.raises(BadRecordError):
        check(name, re.compile(r"\w[\w$ -]*"))


def test_ordinary_names_are_allowed() -> None:
    for name in ("orders", "Größe", "_x$1", "a-b c", "a" * 63):
        assert check(name, re.compile(r"\w[\w$ -]*")) == name


@pytest.mark.parametrize(
    "name", ["addr.city", "@timestamp", "a[0]", "unit price", "नाम", "Größe", "a/b", "50%", "#id", "a" * 63]
)
def test_the_default_allows_the_names_that_come_with_records(name: str) -> None:
    assert check(name, ANY) == name


@pytest.mark.parametrize(
    "name", ["a\0b", "a\nb", "a\x7fb", 'a"b', "a;b", "a\\b", "a\u202eb", "a\u200bb", "\ud800", "", "ü" * 32]
)
def test_the_default_refuses_what_cannot_be_seen_quotes_and_what_is_too_long(name: str) -> None:
    with pytest.raises(BadRecordError):
        check(name, ANY)


@pytest.mark.parametrize("name", ["a\0b", "a\x1fb", "a\x85b"])
def test_no_pattern_allows_a_control_character(name: str) -> None:
    with pytest.raises(BadRecordError):
        check(name, re.compile(".*", re.DOTALL))


@pytest.mark.parametrize("schema", ["sink", "pg_catalog", "pg_temp", "pg_toast", "information_schema"])
def test_no_record_is_written_to_a_reserved_schema(schema: str) -> None:
    with pytest.raises(BadRecordError, match="reserved"):
        check_schema(schema, ANY)
