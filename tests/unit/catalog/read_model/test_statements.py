import re

from catalog_service.read_model import STATEMENTS


def test_every_statement_has_a_name_and_ends_where_the_next_begins() -> None:
    assert {"orders_newest_first", "order", "products", "user_summary", "best_sellers"} <= STATEMENTS.keys()
    assert all(text and "-- name:" not in text for text in STATEMENTS.values())


def test_no_statement_of_the_read_model_joins_or_writes() -> None:
    for name, text in STATEMENTS.items():
        code = re.sub(r"--.*", "", text)
        assert not re.search(r"\b(JOIN|INSERT|UPDATE|DELETE|TRUNCATE)\b", code, re.IGNORECASE), name
