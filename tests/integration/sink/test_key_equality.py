"""Two keys are one key when the database says so: the last record of the topic wins, in batches of any size."""

from collections.abc import Sequence

import pytest

from tests.conftest import MakeTopic
from tests.support.sink import INT64, STRING, Message, drain, envelope, execute, rows, struct

INT32 = {"type": "int32", "optional": True}
FLOAT64 = {"type": "double", "optional": False}
UUID = "3cfda21b-62c8-47e9-af8b-1b9e46e30bad"
NOCASE = "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"

# The column's type, the key as it comes first and as it comes last.
PAIRS = {
    "uuid": ("uuid", UUID.upper(), UUID),
    "uuid in braces": ("uuid", "{" + UUID + "}", UUID.replace("-", "")),
    "uuid with other hyphens": ("uuid", "3cfda21b62c8-47e9-af8b-1b9e-46e30bad", UUID),
    "char(n)": ("char(8)", "k", "k   "),
    "varchar(n) and blanks beyond": ("varchar(3)", "abc   ", "abc"),
    "numeric": ("numeric", "1", "1.00"),
    "numeric of two digits": ("numeric(10,2)", "1.1", "1.10"),
    "timestamptz": ("timestamptz", "2024-01-01T10:00:00+02:00", "2024-01-01T08:00:00Z"),
    "timestamp of whole seconds": ("timestamp(0)", "2024-01-01 10:00:00", "2024-01-01 10:00:00.0"),
    "interval": ("interval", "1 day", "24 hours"),
    "inet": ("inet", "10.0.0.1", "10.0.0.1/32"),
    "date": ("date", "2024-01-01", "20240101"),
    "double precision": ("double precision", "-0", "0"),
    "bytea": ("bytea", "\\x41", "A"),
}
# On a server with ICU and the extensions; the last is a statement that has to be run before.
RICH_PAIRS = {
    "citext": ("citext", "Key", "kEY", "CREATE EXTENSION citext"),
    "a collation that ignores case": ("text COLLATE nocase", "Key", "key", NOCASE),
    "ltree": ("ltree", "a.b", "a.b", "CREATE EXTENSION ltree"),
    "a domain": ("email", "A@x", "a@X", "CREATE EXTENSION citext; CREATE DOMAIN email AS citext"),
}


def message(key: str, version: int) -> Message:
    return Message(value=struct({"id": key, "v": version}, id=STRING, v=INT32))


WAYS = pytest.mark.parametrize("way", [("upsert", 0), ("upsert", 100), ("update", 0)], ids=str)


@pytest.mark.guarantees("G-SINK-5")
@WAYS
@pytest.mark.parametrize("kind", PAIRS)
async def test_the_last_record_of_a_key_wins_however_the_key_is_spelt(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, kind: str, way: tuple[str, int]
) -> None:
    await the_last_wins(kafka_bootstrap, database, await make_topic(), PAIRS[kind], way)


@WAYS
@pytest.mark.parametrize("kind", RICH_PAIRS)
async def test_so_it_does_by_the_equality_of_an_extension_or_a_collation(
    kafka_bootstrap: str, rich_database: str, make_topic: MakeTopic, kind: str, way: tuple[str, int]
) -> None:
    *pair, before = RICH_PAIRS[kind]
    await execute(rich_database, before)
    await the_last_wins(kafka_bootstrap, rich_database, await make_topic(), pair, way)


async def the_last_wins(
    bootstrap: str, database: str, topic: str, pair: Sequence[str], way: tuple[str, int]
) -> None:
    mode, others = way
    column, first, last = pair
    await execute(database, f"CREATE TABLE t (id {column} PRIMARY KEY, v integer)")
    if mode == "update":
        await execute(database, f"INSERT INTO t VALUES ('{last}', 0)")  # noqa: S608 - the test's own
    messages = [message(first, 1), message(last, 2), message(first, 3), message(last, 4)]
    unlike = {"uuid": "00000000-0000-0000-0000-{:012}", "numeric": "1{:05}", "date": "2000-01-{:02}"}
    if others and column in {"uuid", "citext", "char(8)", "varchar(3)", "numeric", "text COLLATE nocase"}:
        form = unlike.get(column, "{:03}")
        messages[1:1] = [message(form.format(number), 9) for number in range(others)]
    await drain(
        bootstrap,
        database,
        topic,
        messages,
        table__name__format="t",
        insert__mode=mode,
        pk__mode="record_value",
        pk__fields="id",
    )
    assert await rows(database, "SELECT v FROM t WHERE v <> 9") == [(4,)]


@pytest.mark.parametrize("others", [0, 100], ids=["few", "many"])
async def test_a_row_deleted_by_one_spelling_and_inserted_by_another_is_there(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, others: int
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id uuid PRIMARY KEY, v integer)")

    def keyed(key: str, version: int | None) -> Message:
        value = None if version is None else struct({"v": version}, v=INT32)
        return Message(key=envelope(key, STRING), value=value)

    messages = [keyed(UUID.upper(), 1), keyed(UUID.upper(), None), keyed(UUID, 3)]
    messages += [keyed(f"00000000-0000-0000-0000-{number:012}", 9) for number in range(others)]
    messages += [keyed(UUID.replace("a", "A"), None), keyed(UUID, 5)]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        messages,
        table__name__format="t",
        insert__mode="upsert",
        pk__mode="record_key",
        pk__fields="id",
        delete__enabled="true",
    )
    assert await rows(database, f"SELECT v FROM t WHERE id = '{UUID}'") == [(5,)]  # noqa: S608 - as above


async def test_a_key_that_does_not_fit_its_column_is_one_dead_letter(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id uuid PRIMARY KEY, v integer)")
    messages = [message(UUID, 1), message("no uuid", 2), message(UUID.upper(), 3)]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        messages,
        table__name__format="t",
        insert__mode="upsert",
        pk__mode="record_value",
        pk__fields="id",
        errors__tolerance="all",
    )
    assert await rows(database, "SELECT v FROM t") == [(3,)]
    assert await rows(database, 'SELECT "offset" FROM sink.dead_letters') == [(1,)]


@pytest.mark.parametrize("others", [0, 100], ids=["few", "many"])
async def test_a_key_that_a_trigger_makes_another_one_ends_with_the_last_record(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, others: int
) -> None:
    topic = await make_topic()
    await execute(
        database,
        "CREATE TABLE t (id text PRIMARY KEY, v integer)",
        "CREATE FUNCTION folded() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN new.id := lower(new.id); RETURN new; END $$",
        "CREATE TRIGGER folds BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION folded()",
    )
    messages = [message("zZ", 1), *(message(f"k{number}", 9) for number in range(others)), message("ZZ", 2)]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        messages,
        table__name__format="t",
        insert__mode="upsert",
        pk__mode="record_value",
        pk__fields="id",
    )
    assert await rows(database, "SELECT count(*) FROM t") == [(others + 1,)]
    assert await rows(database, "SELECT v FROM t WHERE id = 'zz'") == [(2,)]


@pytest.mark.parametrize("others", [0, 100], ids=["few", "many"])
@pytest.mark.parametrize("first", ["an", "na"])
@pytest.mark.parametrize(
    ("part", "fields", "versions"),
    [
        ("key", "", (1, 2)), ("key", "", (1, None)), ("key", "", (1, None, 3)), ("key", "n,a", (1, 2)), ("value", "n,a", (1, 2)),
    ],
)  # fmt: skip
async def test_a_key_is_one_key_in_whichever_order_its_fields_come(  # noqa: PLR0913 - each by its name
    kafka_bootstrap: str, database: str, make_topic: MakeTopic,
    *, part: str, fields: str, versions: Sequence[int | None], first: str, others: int,
) -> None:  # fmt: skip
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (a text, n text, v integer, PRIMARY KEY (a, n))")

    def sent(order: str, version: int | None, number: int = 1) -> Message:
        named = {name: {"a": "k", "n": str(number)}[name] for name in order}
        key = struct(named, **dict.fromkeys(order, STRING))
        if version is None:
            return Message(key=key, value=None)
        if part == "key":
            return Message(key=key, value=struct({"v": version}, v=INT32))
        return Message(value=struct({**named, "v": version}, **dict.fromkeys(order, STRING), v=INT32))

    orders = (first, first[::-1], first)
    messages = [sent(first, 9, number=2 + n) for n in range(others)]
    messages += [sent(order, version) for order, version in zip(orders, versions, strict=False)]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        messages,
        table__name__format="t",
        insert__mode="upsert",
        pk__mode=f"record_{part}",
        delete__enabled=str(part == "key").lower(),
        **({"pk__fields": fields} if fields else {}),
    )
    expected = [(versions[-1],)] if versions[-1] is not None else []
    assert await rows(database, "SELECT v FROM t WHERE v <> 9") == expected


async def test_composite_keys_are_compared_column_by_column(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (a uuid, n bigint, v double precision, PRIMARY KEY (a, n))")
    messages = [
        Message(value=struct({"a": key, "n": number, "v": float(place)}, a=STRING, n=INT64, v=FLOAT64))
        for place, (key, number) in enumerate([(UUID.upper(), 1), (UUID, 1), (UUID.upper(), 2), (UUID, 1)])
    ]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        messages,
        table__name__format="t",
        insert__mode="upsert",
        pk__mode="record_value",
        pk__fields="a,n",
    )
    assert await rows(database, "SELECT n, v FROM t ORDER BY n") == [(1, 3.0), (2, 2.0)]
