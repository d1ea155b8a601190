"""The auditor is trusted because each bug planted among consistent facts makes it fail, by the right name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.report import Report, examine
from auditor.scratch import Scratch, questions
from tests.support.audited_stack import small_stack


@pytest.fixture
def facts(tmp_path: Path) -> Iterator[Scratch]:
    with Scratch(tmp_path / "facts.db") as scratch:
        for fact in small_stack().facts():
            scratch.add([fact])
        yield scratch


def _examined(facts: Scratch, *bugs: str) -> Report:
    for bug in bugs:
        facts.execute(bug)
        assert facts.execute("SELECT changes()") != [(0,)], f"the bug hit nothing: {bug}"
    facts.settle()
    return examine(facts)


def test_a_consistent_world_is_clean_and_was_really_compared(facts: Scratch) -> None:
    report = _examined(facts)
    assert report.clean, report
    assert report.counts["order-1 orders"] == 2
    assert report.counts["read orders"] == 6
    assert report.counts["topic orders"] == report.counts["read order_history"] == 13
    assert report.counts["commands ok"] == 6


PLANTED = {
    "a row of the read database is deleted": (
        "DELETE FROM state WHERE side = 'read' AND key = 'order-1-0000'",
        {"read-missing", "topic-read", "offset-lost", "projection-different", "command-lost"},
    ),
    "a row appears in the read database from nowhere": (
        (
            "INSERT INTO state SELECT side, place, topic, 'order-9-0000', version, replace(body, 'order-1-0000', 'order-9-0000')"
            " FROM state WHERE side = 'read' AND key = 'order-1-0000'"
        ),
        {"read-extra", "command-ghost"},
    ),
    "a row is in the read database twice": (
        "INSERT INTO state SELECT * FROM state WHERE side = 'read' AND key = 'tea-1'",
        {"state-doubled"},
    ),
    "the read database is set back to an older version": (
        (
            "UPDATE state SET version = 2, body = (SELECT body FROM event e WHERE e.key = state.key AND e.version = 2)"
            " WHERE side = 'read' AND key = 'order-3-0002'"
        ),
        {"read-older", "topic-read", "offset-lost", "stock-sum"},
    ),
    "a write database loses a committed change": (
        (
            "UPDATE state SET version = 2, body = (SELECT body FROM event e WHERE e.key = state.key AND e.version = 2)"
            " WHERE side = 'write' AND key = 'order-3-0002'"
        ),
        {"read-newer", "event-ahead"},
    ),
    "a field differs in the read database": (
        "UPDATE state SET body = json_set(body, '$.reason', 'whim') WHERE side = 'read' AND key = 'order-1-0003'",
        {"read-different", "topic-read"},
    ),
    "a field differs in the write database": (
        "UPDATE state SET body = json_set(body, '$.reason', 'whim') WHERE side = 'write' AND key = 'order-1-0003'",
        {"read-different", "event-different"},
    ),
    "one order is in two write databases": (
        (
            "INSERT INTO state SELECT side, 'order-2', topic, key, version, body FROM state"
            " WHERE side = 'write' AND key = 'order-1-0000'"
        ),
        {"state-doubled"},
    ),
    "the last outbox row of an order is lost before it was sent": (
        "DELETE FROM event WHERE key = 'order-1-0003' AND version = 2",
        {"event-missing", "topic-unknown"},
    ),
    "an outbox row in the middle is lost": (
        "DELETE FROM event WHERE key = 'order-3-0002' AND version = 2",
        {"event-versions", "topic-unknown"},
    ),
    "an event is written twice into the outbox": (
        "INSERT INTO event SELECT instance, 999, topic, key, version, type, body FROM event WHERE key = 'order-1-0000'",
        {"event-versions", "topic-missing"},
    ),
    "the relay leaves out an event that a newer one covers": (
        "DELETE FROM record WHERE key = 'order-3-0002' AND version = 2",
        {"topic-missing", "history-extra"},
    ),
    "a change that was rolled back is published": (
        (
            "INSERT INTO record SELECT topic, partition, 77, 'order-1:999', key, version, body, NULL FROM record"
            " WHERE key = 'order-1-0000'"
        ),
        {"topic-unknown"},
    ),
    "a record says something else than its outbox row": (
        "UPDATE record SET body = json_set(body, '$.total_cents', 1) WHERE key = 'order-3-0002' AND version = 2",
        {"topic-different", "history-different"},
    ),
    "versions come in the wrong order": (
        "UPDATE record SET position = 70 - version WHERE key = 'order-3-0002'",
        {"topic-order", "topic-last"},
    ),
    "an old version is sent again and stays the last": (
        (
            "INSERT INTO record SELECT topic, partition, 77, source, key, version, body, NULL FROM record"
            " WHERE key = 'order-3-0002' AND version = 1"
        ),
        {"topic-last"},
    ),
    "one key is in two partitions": (
        "UPDATE record SET partition = 1 - partition, position = 70 WHERE key = 'order-3-0002' AND version = 3",
        {"topic-scattered"},
    ),
    "a record that cannot be read is passed by without a dead letter": (
        "INSERT INTO record VALUES ('orders', 0, 77, NULL, NULL, NULL, NULL, 'not JSON')",
        {"topic-unreadable"},
    ),
    "the history loses an event": (
        "DELETE FROM history WHERE key = 'order-3-0002' AND version = 2",
        {"history-missing"},
    ),
    "the history holds an event twice": (
        "INSERT INTO history SELECT * FROM history WHERE key = 'order-3-0002' AND version = 2",
        {"history-doubled"},
    ),
    "the history holds an event that never was": (
        "INSERT INTO history SELECT topic, key, 9, body FROM history WHERE key = 'order-3-0002' AND version = 2",
        {"history-extra"},
    ),
    "the history says something else than the topic": (
        "UPDATE history SET body = json_set(body, '$.user_id', 'eve') WHERE key = 'order-3-0002' AND version = 2",
        {"history-different"},
    ),
    "a connector stopped before the end": (
        "UPDATE progress SET next = next - 1 WHERE reader = 'orders' AND partition = 0",
        {"offset-behind"},
    ),
    "a connector never began": ("DELETE FROM progress WHERE reader = 'products'", {"offset-behind"}),
    "an instance stopped reading the products": (
        "UPDATE progress SET next = next - 1 WHERE reader = 'order-2' AND topic = 'products' AND next > 0",
        {"offset-behind"},
    ),
    "a connector claims what is not there": (
        "UPDATE progress SET next = next + 1 WHERE reader = 'orders' AND partition = 0",
        {"offset-ahead"},
    ),
    "a dead letter of nothing": (
        "INSERT INTO dead_letter VALUES ('orders', 'orders', 0, 77, 'not JSON')",
        {"dead-letter-unknown"},
    ),
    "one offset is twice in the dead letters": (
        "INSERT INTO dead_letter VALUES ('orders', 'orders', 0, 0, 'not JSON'), ('orders', 'orders', 0, 0, 'not JSON')",
        {"dead-letter-doubled"},
    ),
    "a reader has set aside a record that is as good as any": (
        (
            "INSERT INTO dead_letter SELECT 'orders', topic, partition, position, 'no mood' FROM record"
            " WHERE key = 'order-3-0002' AND version = 2"
        ),
        {"dead-letter-genuine"},
    ),
    "a relay keeps a row of its outbox back": (
        "INSERT INTO set_aside VALUES ('order-1', 1, 'products', 'there is no topic')",
        {"event-set-aside"},
    ),
    "a projection counts an order twice": (
        "UPDATE projection SET body = json_set(body, '$.orders', 99) WHERE name = 'user_summary' AND key = 'ada'",
        {"projection-different"},
    ),
    "an order that was rejected counts": (
        "INSERT INTO counted SELECT key FROM state WHERE side = 'read' AND json_extract(body, '$.status') = 'REJECTED'",
        {"projection-different"},
    ),
    "an order that was placed does not count": (
        "DELETE FROM counted WHERE key = 'order-1-0000'",
        {"projection-different"},
    ),
    "a projection's row is lost": (
        "DELETE FROM projection WHERE name = 'product_sales' AND key = 'tea-2'",
        {"projection-different"},
    ),
    "an instance's copy has an old price": (
        "UPDATE replica SET body = json_set(body, '$.unit_price_cents', 1) WHERE instance = 'order-3' AND key = 'tea-2'",
        {"replica-different"},
    ),
    "an instance never heard of a product": (
        "DELETE FROM replica WHERE instance = 'order-3' AND key = 'tea-2'",
        {"replica-different"},
    ),
    "a product is oversold": (
        "UPDATE event SET body = json_set(body, '$.stock_available', -1) WHERE key = 'tea-3' AND version = 2",
        {"stock-negative", "stock-leap", "topic-different"},
    ),
    "a reservation takes more than it sets aside": (
        (
            "UPDATE event SET body = json_set(body, '$.stock_available', 1) WHERE key = 'tea-2' AND type LIKE '%reserved%'"
            " AND version = 3"
        ),
        {"stock-leap", "topic-different"},
    ),
    "a shipped order's goods stay in stock": (
        "UPDATE state SET body = json_set(body, '$.status', 'SHIPPED') WHERE key = 'order-2-0001'",
        {"stock-sum", "event-different", "topic-read"},
    ),
    "an acknowledged order vanishes from every side": (
        "DELETE FROM state WHERE key = 'order-1-0000'; ",
        {"event-ahead", "topic-read", "offset-lost", "projection-different", "command-lost"},
    ),
    "an order is stored for somebody else than ordered it": (
        "UPDATE command SET user_id = 'eve' WHERE order_id = 'order-1-0000'",
        {"command-altered"},
    ),
    "two commands get one order": (
        "INSERT INTO command SELECT 55, outcome, order_id, user_id, lines FROM command WHERE order_id = 'order-1-0000'",
        {"command-doubled"},
    ),
    "a refused command leaves an order": (
        "UPDATE command SET outcome = 'failed', order_id = NULL WHERE order_id = 'order-1-0000'",
        {"command-ghost"},
    ),
}


@pytest.mark.parametrize(("bug", "names"), PLANTED.values(), ids=list(PLANTED))
def test_a_planted_bug_is_named(facts: Scratch, bug: str, names: set[str]) -> None:
    report = _examined(facts, bug)
    assert names <= report.found, report
    assert all(finding.samples for finding in report.findings)


def test_every_question_has_a_bug_that_it_alone_or_with_others_names() -> None:
    asked = {question.name for question in questions()}
    proven = set().union(*(names for _, names in PLANTED.values()))
    assert asked == proven


FORGED = """INSERT INTO record (topic, partition, position, source, key, version, body)
    VALUES ('orders', 0, 77, 'order-9:1', 'order-3-0002', 9000, '{}')"""


def test_a_forged_record_that_every_reader_set_aside_is_accounted_for(facts: Scratch) -> None:
    facts.execute(FORGED)
    for reader in ("orders", "order-history"):
        facts.execute("INSERT INTO dead_letter VALUES (?, 'orders', 0, 77, 'forged')", reader)
    facts.execute("""UPDATE log SET "end" = 78 WHERE topic = 'orders' AND partition = 0""")
    facts.execute("UPDATE progress SET next = 78 WHERE topic = 'orders' AND partition = 0")
    report = _examined(facts)
    assert report.clean, report
    assert report.counts["set aside by orders"] == 1


def test_a_forged_record_that_one_reader_took_is_reported(facts: Scratch) -> None:
    report = _examined(facts, FORGED, "INSERT INTO dead_letter VALUES ('orders', 'orders', 0, 77, 'forged')")
    assert {"topic-unknown", "history-missing"} <= report.found, report


def test_a_planted_record_is_reported_by_what_came_of_it_only(facts: Scratch) -> None:
    facts.execute(FORGED)
    facts.execute("INSERT INTO planted VALUES ('orders', 0, 77)")
    report = _examined(facts, "UPDATE state SET version = 9000 WHERE side = 'read' AND key = 'order-3-0002'")
    assert "read-newer" in report.found, report
    assert not {"topic-unknown", "topic-order", "topic-last", "topic-scattered"} & report.found, report


@pytest.mark.parametrize(
    "lines", ['"tea"', "7", "null", "{}", '["tea", 7, null, [1]]', '[{"product_id": {}}]']
)
def test_an_order_of_any_shape_is_a_finding_and_no_crash(facts: Scratch, lines: str) -> None:
    report = _examined(
        facts,
        f"UPDATE state SET body = json_set(body, '$.lines', json('{lines}')) WHERE side = 'read'"  # noqa: S608  above
        " AND key = 'order-1-0000'",
    )
    assert "read-different" in report.found, report


LARGEST = 2**63 - 1
ENLARGED = (
    "UPDATE state SET body = json_set(body, '{path}', {largest}) WHERE side = 'read' AND topic = 'orders'"
)


@pytest.mark.parametrize("path", ["$.total_cents", "$.lines[0].quantity", "$.lines[0].unit_price_cents"])
def test_sums_beyond_64_bits_are_compared_like_any(facts: Scratch, path: str) -> None:
    """What the read database takes: it keeps numbers of any size."""
    enlarge = ENLARGED.format(path=path, largest=LARGEST)
    report = _examined(facts, enlarge)
    assert {"read-different", "projection-different"} <= report.found, report


def test_a_projection_of_orders_beyond_64_bits_that_adds_up_is_right(facts: Scratch) -> None:
    facts.execute(ENLARGED.format(path="$.total_cents", largest=LARGEST))
    counted = facts.execute(
        "SELECT json_extract(s.body, '$.user_id'), count(*) FROM state s JOIN counted c ON c.key = s.key"
        " WHERE s.side = 'read' GROUP BY 1"
    )
    assert max(count for _, count in counted) > 1
    for user, count in counted:
        facts.execute(
            "UPDATE projection SET body = json_set(body, '$.spend_cents', json(?)) WHERE key = ?",
            str(count * LARGEST),
            user,
        )
    report = _examined(facts)
    assert "projection-different" not in report.found, report


def test_what_compaction_took_is_not_missed(facts: Scratch) -> None:
    report = _examined(facts, "DELETE FROM record WHERE topic = 'products' AND key = 'tea-1' AND version = 1")
    assert report.clean, report


def test_what_the_relay_sent_again_is_harmless(facts: Scratch) -> None:
    report = _examined(
        facts,
        "INSERT INTO record SELECT topic, partition, position + 100, source, key, version, body, NULL FROM record"
        " WHERE topic = 'orders'",
    )
    assert report.clean, report


def test_an_unknown_command_may_have_left_an_order(facts: Scratch) -> None:
    report = _examined(
        facts, "UPDATE command SET outcome = 'unknown', order_id = NULL WHERE order_id = 'order-1-0000'"
    )
    assert report.clean, report


def test_a_difference_names_the_field_and_both_values(facts: Scratch) -> None:
    report = _examined(
        facts,
        "UPDATE state SET body = json_set(body, '$.total_cents', 1) WHERE side = 'read' AND key = 'order-1-0000'",
    )
    assert "orders order-1-0000: version 1: total_cents 450 ≠ 1" in str(report)


def test_a_product_of_which_nothing_counts_may_have_a_row_of_zeros(facts: Scratch) -> None:
    zeros = """INSERT INTO projection VALUES ('product_sales', 'tea-9', '{"orders":0,"quantity":0,"revenue_cents":0}')"""
    rejected = """INSERT INTO state SELECT side, place, topic, 'order-1-9', version,
        replace(replace(replace(body, 'order-1-0003', 'order-1-9'), 'tea-1', 'tea-9'), 'bob', 'ada')
        FROM state WHERE key = 'order-1-0003'"""
    without = _examined(facts, rejected)
    assert "projection-different" not in without.found, without
    facts.execute(zeros)
    assert "projection-different" not in examine(facts).found
