"""What PostgreSQL would cut or round without a word, refused before it is sent.

What a text would be, the server alone knows: into types that round, texts are for it to refuse (see `column_values.kept_whole`).
"""

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from sink_connector.data.decimals import shortest_single
from sink_connector.data.instants import INFINITE_US
from sink_connector.errors import BadRecordError
from sink_connector.sink.encoders.column_values import bare_name
from sink_connector.sink.encoders.encoder import INTEGERS, Encode, Encoder, refused
from sink_connector.sink.encoders.literals import array_elements
from sink_connector.sink.table_metadata import BASE, Column

Check = Callable[[Any], None]

LONGEST_NAME = 63  # bytes
MODIFIER_OFFSET = 4  # VARHDRSZ, which PostgreSQL adds to a modifier
SCALE_MASK, SCALE_SIGN = 0x7FF, 0x400
CENTS = 2  # digits after the point of money, wherever lc_monetary does not say otherwise
OF_AN_AMOUNT = str.maketrans("", "", "$,()+- ")  # what a text of money may have beside its digits
OF_DECIMAL_POINT = str.maketrans(",.", ".,")  # an amount as it would be where a point parts the cents
LAST_POSITION, MOST_POSITIONS = 16_383, 256  # in a tsvector, and of one word in it
MICROS = 6  # digits of a second that PostgreSQL keeps
FLOATS = frozenset({"real", "double precision"})
OIDS = frozenset(
    {"oid", "regclass", "regcollation", "regconfig", "regdatabase", "regdictionary", "regnamespace"}
    | {"regoper", "regoperator", "regproc", "regprocedure", "regrole", "regtype"}
)
INFINITE = frozenset(INFINITE_US.values())
SECONDS = frozenset(
    {
        "timestamp with time zone",
        "timestamp without time zone",
        "time with time zone",
        "time without time zone",
    }
)


def guarded(wire: Encoder, column: Column | None, *, exact: bool) -> Encoder:
    """The same encoder with the checks that the column needs; whatever it raises is a `BadRecordError`.

    `exact` says that the numbers are meant to the last digit, as a Decimal is and a float is not.
    """
    check = None if column is None else _check(wire, column, exact=exact)
    encode = _and_checked(wire.encode, check) if check is not None else wire.encode
    return wire if encode is None else Encoder(wire.type, _refusing(encode), wire.template)


def _and_checked(encode: Encode | None, check: Check) -> Encode:
    def encode_checked(column: Sequence[Any]) -> Sequence[Any]:
        encoded = column if encode is None else encode(column)
        for value in encoded:
            _look_at(value, check)
        return encoded

    return encode_checked


def _look_at(value: Any, check: Check) -> None:
    if isinstance(value, list | tuple):
        for item in value:
            _look_at(item, check)
    elif value is not None:
        check(value)


def _refusing(encode: Encode) -> Encode:
    def encode_or_refuse(column: Sequence[Any]) -> Sequence[Any]:
        try:
            return encode(column)
        except BadRecordError:
            raise
        except Exception as error:  # whatever it is, one of the values made it
            raise refused(f"another value: {type(error).__name__}: {error}") from error

    return encode_or_refuse


def _check(wire: Encoder, column: Column, *, exact: bool) -> Check | None:
    if wire.type == "text" and column.base_type.endswith("[]"):
        inner = _check_of_element(wire, column, exact=exact)
        return None if inner is None else partial(_look_at_elements, inner, _delimiter(column))
    return _check_of_element(wire, column, exact=exact)


def _look_at_elements(check: Check, delimiter: str, text: str) -> None:
    """The elements of an array that is given as a text; its places do not matter."""
    _look_at(array_elements(text[text.find("{") :], delimiter), check)


def _delimiter(column: Column) -> str:
    return ";" if column.base_type == "box[]" else ","


def _check_of_element(wire: Encoder, column: Column, *, exact: bool) -> Check | None:
    sent, base = wire.type.removesuffix("[]"), column.base_type.removesuffix("[]")
    found = _check_of_types(sent, base)
    if found is not None:
        return found
    if sent == "text" and column.kind == BASE and (found := _check_of_texts(column)) is not None:
        return found
    if base in SECONDS:
        return _check_of_seconds(sent, column)
    if not exact or sent not in INTEGERS | {"numeric", "text"} or wire.template is not None:
        return None
    if base in FLOATS:
        return kept_by_a_float(base)
    scale = scale_of_column(column)
    return None if scale is None or (sent in INTEGERS and scale >= 0) else at_most_digits(scale)


def _check_of_types(sent: str, base: str) -> Check | None:
    if sent in {"text", "numeric"} and base in {"name", '"char"'}:
        return _at_most_bytes(LONGEST_NAME if base == "name" else 1)
    if sent in FLOATS and base in INTEGERS:
        return _whole
    return _OF_INTEGERS.get(base) if sent in INTEGERS else None


def _check_of_texts(column: Column) -> Check | None:
    base = column.base_type.removesuffix("[]")
    if column.has_decimal_comma:
        return lambda text: _amount(text.translate(OF_DECIMAL_POINT))
    return _OF_TEXTS.get(base) or _OF_EXTENSIONS.get(bare_name(base))


def _check_of_seconds(sent: str, column: Column) -> Check | None:
    digits = column.modifier
    is_fraction = 0 <= digits < MICROS and sent in SECONDS
    check = _fraction_of_micros(digits) if is_fraction else None
    if sent.startswith("timestamp") and column.base_type.startswith("time "):
        return partial(_time_of_day, check)
    return check


def _time_of_day(check: Check | None, value: int) -> None:
    """PostgreSQL makes null of the time of day of infinity."""
    if value in INFINITE:
        raise refused("an instant that has a time of day, which infinity has not")
    if check is not None:
        check(value)


def scale_of_column(column: Column) -> int | None:
    """How many digits after the point a column of numbers keeps; None where it keeps all, or is none of numbers."""
    base = column.base_type.removesuffix("[]")
    if base in INTEGERS:
        return 0
    if base == "money":
        return CENTS
    if base != "numeric" or column.modifier < MODIFIER_OFFSET:
        return None
    scale = (column.modifier - MODIFIER_OFFSET) & SCALE_MASK
    return (scale ^ SCALE_SIGN) - SCALE_SIGN


def _fraction_of_micros(digits: int) -> Check:
    unit = 10 ** (MICROS - digits)

    def check(value: int) -> None:
        if value % unit and value not in INFINITE:
            raise refused(
                f"at most {digits} digits of a second's fraction, which is all that the column keeps"
            )

    return check


def kept_by_a_float(base: str) -> Check:
    """Refuses a number that a column of this type, one of floating-point numbers, would not give back."""
    return partial(_kept_by_a_float, shortest=_single if base == "real" else float)


def _kept_by_a_float(value: Any, *, shortest: Callable[[Any], float]) -> None:
    try:
        number = Decimal(value)
        if not number.is_finite() or Decimal(repr(shortest(number))) == number:
            return
    except (InvalidOperation, ValueError):
        return  # a text that is no number, which the database refuses
    except OverflowError:
        pass
    raise refused("a number of so few digits that the column, one of floating-point numbers, keeps them all")


def _single(number: Decimal) -> float:
    [nearest] = struct.unpack("f", struct.pack("f", number))
    return shortest_single(nearest)


def _at_most_bytes(most: int) -> Check:
    def check(value: Any) -> None:
        if len(f"{value:f}" if isinstance(value, Decimal) else value.encode()) > most:
            raise refused(f"a text of at most {most} bytes, which is all that the column's type holds")

    return check


def at_most_digits(scale: int) -> Check:
    """Refuses a number that a column of this scale would round; a text that is none is for the database to refuse."""

    def check(value: Any) -> None:
        if isinstance(value, str) and not any(map(str.isdigit, value)):
            raise refused("a number")  # money takes a text without a digit for 0
        try:
            number = Decimal(value.translate(OF_AN_AMOUNT) if isinstance(value, str) else value)
        except (InvalidOperation, ValueError):
            return  # a text that is no number, which the database refuses
        exponent = number.as_tuple().exponent
        if isinstance(exponent, int) and exponent < -scale and _would_be_rounded(number, scale):
            raise refused(
                f"a number with at most {scale} digits after the point, which is all that the column keeps"
            )

    return check


def _would_be_rounded(number: Decimal, scale: int) -> bool:
    _, digits, exponent = number.as_tuple()
    dropped = -scale - int(exponent)
    return any(digits[-dropped:]) if dropped <= len(digits) else any(digits)


def _zero_or_one(value: int) -> None:
    if value not in {0, 1}:
        raise refused("0 or 1, which is all that a Boolean column keeps of a number")


def _no_number(_: int) -> None:
    raise refused(
        "no number for a column of single characters or bytes, for which its digits would be a code"
    )


def _not_negative(value: int) -> None:
    if value < 0:
        raise refused("a number that is not negative, for a column of object identifiers")


# Columns for which a cast of PostgreSQL's makes something else of a whole number; that to bytea is there since 18.
_OF_INTEGERS: dict[str, Check] = {
    "boolean": _zero_or_one,
    '"char"': _no_number,
    "bytea": _no_number,
    **dict.fromkeys(OIDS, _not_negative),
}


def _kept_by_floats(text: str, base: str = "double precision") -> None:
    for number in _NUMBER.findall(text):
        kept_by_a_float(base)(number)


def _not_wrapped(text: str) -> None:
    """PostgreSQL takes -1 for the greatest, and 010 for 8."""
    if _OTHER_INTEGER.match(text):
        raise refused("a number of decimal digits that is not negative, for a column of object identifiers")


def _amount(text: str) -> None:
    """PostgreSQL takes 1,5 for 15."""
    if _PARTED.search(text):
        raise refused("an amount of which a comma parts three digits at the end, for a column of money")
    at_most_digits(CENTS)(text)


def _positions_kept(text: str) -> None:
    """PostgreSQL takes what is beyond the last position for the last, and keeps so many of a word."""
    for found in _tokens(_LEXEME, text):
        positions = (found[1] or "").split(",")
        if len(positions) >= MOST_POSITIONS or any(map(_is_beyond, positions)):
            raise refused(f"positions up to {LAST_POSITION}, and fewer than {MOST_POSITIONS} of a word")


def _is_beyond(position: str) -> bool:
    """Whether a number, with whatever follows it, is greater than the last position."""
    digits = _DIGITS.match(position.lstrip("0"))
    return digits is not None and (len(digits[0]) > len(str(LAST_POSITION)) or int(digits[0]) > LAST_POSITION)


def _pairs_kept(text: str) -> None:
    """PostgreSQL keeps one pair of a key; which one is not said."""
    keys = [_ESCAPED.sub(r"\1", found[1] if found[2] is None else found[2]) for found in _tokens(_PAIR, text)]
    if len(set(keys)) < len(keys):
        raise refused("each key once, for a column of type hstore")


def _tokens(token: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """One after the other up to the end, or to what is none: the server refuses such a text."""
    place = 0
    while found := token.match(text, place):
        yield found
        place = found.end()


# Possessive, and matched at one place: nothing of a text is gone through twice.
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PAIR = re.compile(
    r'\s*+(?:"((?:[^"\\]|\\.)*+)"|((?:[^"\s=\\]|\\.)(?:[^\s=\\]|\\.)*+))\s*+=>'
    r'\s*+(?:"(?:[^"\\]|\\.)*+"|(?:[^"\s\\]|\\.)(?:[^\s,\\]|\\.)*+)\s*+(?:,|\Z)',
    re.ASCII | re.DOTALL,
)
_LEXEME = re.compile(
    r"\s*+(?:'(?:[^'\\]|''|\\.)*+'|(?:[^'\s\\]|\\.)(?:[^\s:\\]|\\.)*+)"
    r"(?::([0-9]++[0-9a-dA-D*]*+(?:,[0-9]++[0-9a-dA-D*]*+)*+)(?!\S))?",
    re.DOTALL,
)
_DIGITS = re.compile("[0-9]++")
_NUMBER = re.compile(r"[+-]?(?:\d++\.?\d*+|\.\d++)(?:e[+-]?\d++)?", re.ASCII | re.IGNORECASE)
_OTHER_INTEGER = re.compile(r"\s*(?:-\s*\d|[+]?0\d*[1-9])", re.ASCII)
_PARTED = re.compile(r"^[\d$,.()+\- ]*,(?!\d{3}(?!\d))[\d$.()+\- ]*$", re.ASCII)
# Types whose input makes another value of a text in silence.
_OF_TEXTS: dict[str, Check] = {
    **dict.fromkeys(("point", "line", "lseg", "box", "path", "polygon", "circle"), _kept_by_floats),
    **dict.fromkeys({"xid", "xid8", "cid", *OIDS}, _not_wrapped),
    "money": _amount,
    "tsvector": _positions_kept,
}
_OF_EXTENSIONS: dict[str, Check] = {
    "hstore": _pairs_kept,
    "cube": _kept_by_floats,
    "seg": partial(_kept_by_floats, base="real"),
}


def _whole(value: float) -> None:
    if value % 1:
        raise refused("a whole number, which is all that the column holds")
