"""The documents' commands run as they are written, on the session's stack: only ports and places are its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devservers.postgres_programs import binaries
from tests.support.documents import REPOSITORY, shell_blocks
from tests.support.stack import RunningStack, environment
from tests.support.waiting import wait_until

README = REPOSITORY / "README.md"
ONE_ORDER = REPOSITORY / "docs" / "one-order.md"
REBUILD = REPOSITORY / "docs" / "rebuild.md"
SINK_WORKERS = REPOSITORY / "docs" / "sink-workers.md"
TIMEOUT_S = 120

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "sqlite3"))),
    reason="a reader of the documents has curl and sqlite3",
)


def on(stack: RunningStack, script: str) -> str:
    """`script` with the ports and the folder of `stack` in place of the usual ones."""
    ports = stack.ports
    script = re.sub(r"localhost:(80\d\d)", lambda match: f"localhost:{int(match[1]) + ports.offset}", script)
    script = script.replace("-p 5433", f"-p {ports.postgres}").replace(".demo/", f"{stack.home}/")
    return script.replace("./demo ", f"{sys.executable} -m demo ")


def run(stack: RunningStack, script: str, *, folder: Path) -> str:
    """What a shell prints that runs `script` in `folder`; every command of it has to succeed."""
    environ = environment(stack.home, stack.ports)
    environ |= {"PATH": f"{environ['PATH']}{os.pathsep}{binaries()}"}
    command = ["bash", "-euo", "pipefail", "-c", on(stack, script)]
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout


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
    blocks = shell_blocks(ONE_ORDER)
    mark = "\n--- block ---\n"
    printed = run(stack, f"\nprintf '{mark}'\n".join(blocks), folder=tmp_path).split(mark.strip("\n"))
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
