"""JSON whose numbers keep all of their digits, and what is none."""

from decimal import Decimal

import msgspec
import pytest

from sink_connector.data.exact_json import parse_exact

LONG = "9" * 5_000


@pytest.mark.parametrize("text", [f"[{LONG}]", f'["\\\\", {LONG}]', f'["{LONG}\\"", {LONG}]'])
def test_a_whole_number_of_many_digits_keeps_them(text: str) -> None:
    assert parse_exact(text.encode())[-1] == Decimal(LONG)


def test_digits_in_a_text_stay_a_text() -> None:
    assert parse_exact(f'["{LONG}", {LONG}]'.encode())[0] == LONG


@pytest.mark.parametrize("number", [LONG, "1e99999999999999999999"])
def test_a_text_that_does_not_end_is_told_as_soon_as_it_is_read(number: str) -> None:
    hostile = f'[{number}, "' + '\\"' * 100_000
    with pytest.raises((msgspec.DecodeError, ValueError)):
        parse_exact(hostile.encode())
