"""Designs that lose, double or turn back orders: the history's checks name what each does, and clear the right one.

The designs are those of `./demo anomaly` (`tools/demo/demo/anomalies`). Kafka and PostgreSQL are real.
"""

from collections.abc import AsyncIterator

import pytest

from demo.anomalies.designs import GUARDED, row_first
from demo.anomalies.scenarios import ANOMALIES, ORDER, Anomaly, Shop
from loadgen.recorder import Recorder
from tests.conftest import MakeTopic


@pytest.fixture
async def shop(kafka_bootstrap: str, database: str, make_topic: MakeTopic) -> AsyncIterator[Shop]:
    topic = await make_topic()
    async with Shop.opened(
        dsn=database, bootstrap=kafka_bootstrap, topic=topic, notes=Recorder(), told=print
    ) as opened:
        yield opened


@pytest.mark.parametrize("anomaly", ANOMALIES, ids=lambda anomaly: anomaly.name)
async def test_a_wrong_design_is_caught_by_the_checks_that_ask_for_what_it_breaks(
    shop: Shop, anomaly: Anomaly
) -> None:
    await anomaly.run(shop, True)  # noqa: FBT003 - wrong
    assert {violation.check for violation in shop.violations} == anomaly.found


@pytest.mark.parametrize("anomaly", ANOMALIES, ids=lambda anomaly: anomaly.name)
async def test_the_right_design_comes_through_the_same_mishap_clean(shop: Shop, anomaly: Anomaly) -> None:
    await anomaly.run(shop, False)  # noqa: FBT003 - right
    assert shop.violations == ()


async def test_a_guard_makes_up_for_an_offset_that_comes_after_its_row(shop: Shop) -> None:
    shop.shows_with(GUARDED)
    await shop.write.place(ORDER)
    await shop.write.relay_what_is_not_marked()
    await shop.apply(row_first, dying=shop.dies)
    await shop.drain(row_first)
    assert shop.violations == ()
