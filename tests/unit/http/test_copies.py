"""The services share no code, so what guards their HTTP exists three times; a repair of one is a repair of all."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PLACES = [
    ROOT / "services/order/order_service/entrypoints/http",
    ROOT / "services/catalog/catalog_service/http",
    ROOT / "sink_connector/sink_connector/rest",
]


@pytest.mark.parametrize("name", ["protocol", "guard", "methods", "docs"])
def test_the_three_copies_are_the_same(name: str) -> None:
    assert len({(place / f"{name}.py").read_text() for place in PLACES}) == 1
