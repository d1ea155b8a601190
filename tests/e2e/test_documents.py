"""The documents' commands run as they are written, on the session's stack: only ports and places are its own."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.document_commands import run, run_each
from tests.support.documents import REPOSITORY, examples, prompted, shell_blocks
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until

README = REPOSITORY / "README.md"
ONE_ORDER = REPOSITORY / "docs" / "one-order.md"
REBUILD = REPOSITORY / "docs" / "rebuild.md"
SINK_WORKERS = REPOSITORY / "docs" / "sink-workers.md"
KAFKA = REPOSITORY / "docs" / "kafka.md"
LONG_S = 280
"""Kafka's own tools start a Java runtime each."""
CHAPTERS = {
    chapter.stem: chapter
    for chapter in sorted((REPOSITORY / "docs" / "guide").glob("*.md"))
    if examples(chapter)
}

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "sqlite3"))),
    reason="a reader of the documents has curl and sqlite3",
)


def orders_in(text: str) -> list[str]:
    return re.findall(r'"order_id":"([^"]+)"', text)


async def test_the_readmes_walk_shows_one_third_at_an_instance_and_everything_in_the_catalog(
    stack: RunningStack, tmp_path: Path
) -> None:
    place, ask = shell_blocks(README, section="The problem and the answer")
    placed = orders_in(run(stack, place, folder=tmp_path))
    assert [order_id[:7] for order_id in placed] == ["order-1", "order-2", "order-3"]
    of_one, of_all = ask.strip().splitlines()

    seen = orders_in(run(stack, of_one, folder=tmp_path))
    assert placed[0] in seen
    assert {order_id[:7] for order_id in seen} == {"order-1"}

    def all_visible() -> bool:
        # Its `grep` ends with 1 as long as the catalog knows none of them.
        return set(placed) <= set(orders_in(run(stack, f"{of_all.split('#')[0]} || true", folder=tmp_path)))

    await wait_until(all_visible, what="the catalog knows all three")


async def test_the_readmes_look_inside_shows_both_databases_and_no_password(
    stack: RunningStack, tmp_path: Path
) -> None:
    place, _ = shell_blocks(README, section="The problem and the answer")
    placed = orders_in(run(stack, place, folder=tmp_path))
    (look,) = shell_blocks(README, section="Look inside")

    def shown() -> str | None:
        text = run(stack, look, folder=tmp_path)
        return text if any(order_id in text for order_id in placed) else None

    text = await wait_until(shown, what="the read database has one of the orders")
    assert text
    assert re.search(r"^\d+\|(orders|products|inbox\.order-\d)$", text, re.MULTILINE)
    arguments = re.sub(r"PGPASSWORD=\$\(cat [^)]*\)", "", look)
    assert "password" not in arguments.lower()
    assert "://" not in arguments


def test_one_orders_way_is_as_it_is_told(stack: RunningStack, tmp_path: Path) -> None:
    printed = run_each(stack, shell_blocks(ONE_ORDER), folder=tmp_path)
    request, outbox, answered, confirmed, visible, consumed, shipped = printed
    (order_id,) = set(orders_in(request))
    assert '"status":"PENDING"' in request
    assert f"{order_id} orders:{order_id}:1" in request
    topics = [line.partition("|")[2] for line in outbox.split()]
    assert topics[:3] == ["orders", "inbox.order-1", "inbox.order-3"]
    assert orders_in(answered) == [order_id]
    assert "CONFIRMED|2" in confirmed
    assert f"{order_id}|1|RESERVED" in confirmed
    assert orders_in(visible)
    assert re.search(rf"{order_id} \| CONFIRMED \|\s+2", visible)
    assert '"order.v' in consumed
    assert '"status":"SHIPPED"' in shipped


def test_the_documents_name_products_that_are_sold(stack: RunningStack, tmp_path: Path) -> None:
    text = README.read_text() + ONE_ORDER.read_text()
    for product_id in set(re.findall(r'"product_id":"([^"]+)"', text)):
        ask = f"curl -s --fail localhost:8000/products/{product_id}"
        assert f'"product_id":"{product_id}"' in run(stack, ask, folder=tmp_path)


async def test_a_connector_pauses_and_resumes_as_it_is_told(stack: RunningStack, tmp_path: Path) -> None:
    (block,) = shell_blocks(SINK_WORKERS)
    printed = run(stack, block, folder=tmp_path)
    assert '["order-history","orders","products"]' in printed
    ask = "curl -s localhost:8083/connectors/orders/status"

    def runs() -> bool:
        return run(stack, ask, folder=tmp_path).count('"state":"RUNNING"') == 2

    await wait_until(runs, what="the connector and its task run again")


def test_the_damage_of_the_rebuilds_page_is_seen_by_the_audit_and_repaired(
    stack: RunningStack, tmp_path: Path
) -> None:
    place, _ = shell_blocks(README, section="The problem and the answer")
    run(stack, place, folder=tmp_path)
    before = stack.demo("audit", "--wait", "60")
    assert before.returncode == 0, before.stdout
    (damage,) = shell_blocks(REBUILD)
    try:
        assert re.match(r"DELETE [1-9]", run(stack, damage, folder=tmp_path))
        damaged = stack.demo("audit")
        assert damaged.returncode == 1
        assert "read-missing" in damaged.stdout
    finally:
        rebuilt = stack.demo("rebuild")
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    after = stack.demo("audit", "--wait", "60")
    assert after.returncode == 0, after.stdout


@contextmanager
def left_whole(stack: RunningStack) -> Iterator[None]:
    """What commands that failed half-way have left stopped is started again, for the tests that follow."""
    try:
        yield
    except BaseException:
        for part, told in stack.status()["parts"].items():
            if told["state"] != "ready":
                stack.demo("start", part)
        raise


@pytest.mark.parametrize("chapter", CHAPTERS.values(), ids=CHAPTERS)
def test_a_chapter_s_commands_print_what_it_shows(stack: RunningStack, tmp_path: Path, chapter: Path) -> None:
    shown = examples(chapter)
    assert any(each.shown for each in shown)
    with left_whole(stack):
        printed = run_each(stack, [each.script for each in shown], folder=tmp_path, timeout_s=LONG_S)
    for each, text in zip(shown, printed, strict=True):
        missing = each.missing(text)
        assert missing is None, f"not printed: {missing!r}\n{each.script}\n{text}"


@pytest.mark.slow
def test_kafka_by_hand_goes_as_it_is_told(stack: RunningStack, tmp_path: Path) -> None:
    told = dict.fromkeys(prompted(KAFKA))
    # A broker is stopped and started by `test_tour.py`, whose step has the same commands.
    commands = [each for each in told if not each.startswith(("./demo stop", "./demo start"))]
    assert len(commands) > 14
    said = run_each(stack, commands, folder=tmp_path, timeout_s=LONG_S)
    printed = dict(zip(commands, said, strict=True))
    run(stack, "curl -sS -X PUT localhost:8083/connectors/orders/resume", folder=tmp_path)
    for command, part in (
        ("./demo kafka topics list", "quickstart-events"),
        (
            "./demo kafka consume quickstart-events --from-beginning --max-messages 2",
            "this is my second event",
        ),
        ("./demo kafka groups", "connect-order-history"),
        ("./demo kafka topics describe orders", "PartitionCount: 6"),
        ("./demo kafka perf quickstart-events --records 5000", "5000 records sent"),
        ("./demo kafka perf quickstart-events --records 5000 --no-batching", "5000 records sent"),
        ("./demo kafka quorum", "LeaderId"),
        ("curl -s localhost:8083/connectors", '["order-history","orders","products"]'),
    ):
        assert part in printed[command], command
