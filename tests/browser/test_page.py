"""The story the page tells, as a visitor goes through it."""

import json
import os
import re
import signal
import uuid

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import OpenPage
from tests.support.stack import RunningStack

expect.set_options(timeout=60_000)


def somebody() -> str:
    return f"visitor {uuid.uuid4().hex[:8]}"


async def place_order(page: Page, *, instance: str, user: str) -> None:
    await page.get_by_role("radio", name=instance).check(force=True)
    await page.get_by_label("Your name").fill(user)
    await page.get_by_role("button", name="Place order").click()
    await expect(page.locator("#journey")).to_contain_text(
        re.compile(f"{instance}-.*Visible [0-9.]+ m?s after the commit")
    )


async def test_a_visitor_places_orders_and_sees_why_there_are_two_answers(open_page: OpenPage) -> None:
    page = await open_page()
    user = somebody()
    for number, instance in enumerate(("order-1", "order-2", "order-3"), start=1):
        await place_order(page, instance=instance, user=user)
        await expect(page.locator("#view-all li[data-order]")).to_have_count(number)
    await expect(page.locator("#view-one li[data-order]")).to_have_count(1)
    await expect(page.locator("#views-verdict")).to_have_text(
        "order-3 knows 1 of them. The one picture shows 3."
    )
    journey = page.locator("#journey li.done")
    assert await journey.count() >= 4
    await expect(page.locator("#legs")).to_contain_text(re.compile(r"The whole way\s*[0-9.]+ m?s"))
    await expect(page.locator("#view-all")).to_contain_text("confirmed")


async def test_stock_goes_down_before_the_visitors_eyes(open_page: OpenPage) -> None:
    page = await open_page()
    left = page.locator("#stock li", has_text="Green tea").locator(".count")
    before = int((await left.inner_text()).replace(",", ""))
    await page.get_by_label("Product").select_option("green-tea")
    await page.get_by_label("Quantity").fill("7")
    await place_order(page, instance="order-1", user=somebody())
    await expect(left).to_have_text(f"{before - 7:,}")


async def test_a_refused_order_says_why(open_page: OpenPage) -> None:
    page = await open_page()
    await page.get_by_label("Your name").fill(" ")
    await page.get_by_role("button", name="Place order").click()
    await expect(page.get_by_role("alert")).to_be_visible()


async def test_what_was_wrong_is_said_once_in_plain_words_and_forgotten_with_the_next_change(
    open_page: OpenPage,
) -> None:
    page = await open_page()
    await page.get_by_label("Quantity").fill("1001")
    await page.get_by_role("button", name="Place order").click()
    await expect(page.get_by_role("alert")).to_have_text("Please enter a quantity from 1 to 1,000.")
    await page.get_by_label("Quantity").fill("1")
    await expect(page.get_by_role("alert")).to_be_hidden()
    await page.get_by_label("Your name").fill(" ")
    await page.get_by_role("button", name="Place order").click()
    await expect(page.get_by_role("alert")).to_have_text("Please enter your name.")


async def test_a_rejected_order_says_why_wherever_it_is_shown(open_page: OpenPage) -> None:
    page = await open_page()
    await page.get_by_label("Product").select_option("first-roast")
    await page.get_by_label("Quantity").fill("10")
    await place_order(page, instance="order-1", user=somebody())
    await expect(page.locator("#journey")).to_contain_text("Now rejected: ")
    await expect(page.locator("#view-all li.rejected")).to_contain_text("rejected · ")


async def test_without_javascript_the_page_says_where_its_figures_are(
    browser: Browser, stack: RunningStack
) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(stack.catalog)
    said = page.locator("noscript p").first
    assert "drawn by JavaScript" in (await said.text_content() or "")
    assert await said.bounding_box(), "it takes room on the page"
    await expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"book\. +Here"))


async def test_the_keyboard_alone_is_enough(open_page: OpenPage) -> None:
    page = await open_page()
    user = somebody()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.get_by_role("radio").first.focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("radio", name="order-2")).to_be_checked()
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Your name")).to_be_focused()
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type(user)
    await page.keyboard.press("Enter")
    await expect(page.locator("#journey")).to_contain_text("order-2-")


async def test_the_page_reconnects_after_the_catalog_restarts_and_misses_nothing(
    open_page: OpenPage, stack: RunningStack
) -> None:
    page = await open_page()
    user = somebody()
    await place_order(page, instance="order-1", user=user)
    assert stack.demo("stop", "catalog").returncode == 0
    await expect(page.locator("#fresh-text")).to_have_text("reconnecting …")
    async with httpx.AsyncClient() as http:
        body = {"user_id": user, "lines": [{"product_id": "teapot", "quantity": 1}]}
        (await http.post(f"{stack.instances['order-2']}/orders", json=body)).raise_for_status()
    assert stack.demo("start", "catalog").returncode == 0
    await expect(page.locator("#happened")).to_contain_text("The query service is away.")
    await expect(page.locator("#view-all li[data-order]")).to_have_count(2)
    await expect(page.locator("#fresh-text")).to_have_text("up to date")


async def test_an_orders_steps_are_finished_when_it_became_visible_while_the_page_was_away(
    open_page: OpenPage, stack: RunningStack
) -> None:
    page = await open_page()
    assert stack.demo("stop", "sink").returncode == 0
    try:
        await page.get_by_label("Your name").fill(somebody())
        await page.get_by_role("button", name="Place order").click()
        await expect(page.locator("#journey li").last).to_have_text(re.compile("on its way: .*…"))
        assert stack.demo("stop", "catalog").returncode == 0
        await expect(page.locator("#node-you")).to_contain_text("cannot reach the catalog")
    finally:
        assert stack.demo("start", "sink").returncode == 0
        assert stack.demo("start", "catalog").returncode == 0
    await expect(page.locator("#journey li").last).to_have_text(re.compile("visible in the one picture"))
    await expect(page.locator("#journey li:not(.done)")).to_have_count(0)
    await expect(page.locator("#journey .sum")).to_contain_text("confirmed")


async def test_a_visit_while_the_read_database_is_away_says_so(
    browser: Browser, open_page: OpenPage, stack: RunningStack
) -> None:
    old = await open_page()
    assert stack.demo("stop", "postgres").returncode == 0
    try:
        page = await (await browser.new_context()).new_page()
        await page.goto(stack.catalog)
        for visited in (old, page):
            await expect(visited.locator("#fresh-text")).to_have_text("read database unavailable")
            await expect(visited.locator("#node-database")).to_contain_text("does not answer")
            await expect(visited.locator("#partitions")).to_contain_text("The read database is unavailable")
            await expect(visited.locator("#flow-instances .node.down")).to_have_count(0)
        await expect(old.locator("#happened")).to_contain_text("The read database is unavailable.")
        await expect(old.locator("#happened")).not_to_contain_text("The query service is away.")
    finally:
        assert stack.demo("start", "postgres").returncode == 0
    await expect(page.locator("#fresh-text")).to_have_text("up to date", timeout=90_000)


async def test_a_broker_that_is_killed_is_the_one_that_is_named(
    open_page: OpenPage, stack: RunningStack
) -> None:
    page = await open_page()
    await expect(page.locator("#node-kafka .broker.up")).to_have_count(3)
    controller = page.locator("#node-kafka .broker", has_text="controller")
    name = (await controller.inner_text()).split("\n")[0]
    part = f"kafka-{name.split()[-1]}"
    os.kill(json.loads(stack.demo("status", "--json").stdout)["parts"][part]["pid"], signal.SIGKILL)
    await expect(page.locator("#happened")).to_contain_text(f"{name} is down. The others hold copies")
    await expect(page.locator("#happened")).to_contain_text("elected a new controller")
    await expect(page.locator("#happened")).to_contain_text(f"{name} is back", timeout=90_000)
    await expect(page.locator("#happened")).not_to_contain_text("No broker answers")
    await expect(page.locator("#fresh-text")).to_have_text("up to date", timeout=90_000)


async def test_a_visitor_who_stops_a_broker_reads_what_happened(
    open_page: OpenPage, stack: RunningStack
) -> None:
    page = await open_page()
    # A catalog that has just been started does not know yet what there is to miss.
    await expect(page.locator("#node-kafka .broker.up")).to_have_count(3)
    lanes = page.locator("#partitions [data-leader]")
    await expect(lanes).to_have_count(12)
    leading = await lanes.first.get_attribute("data-leader")
    assert stack.demo("stop", f"kafka-{leading}").returncode == 0
    try:
        happened = page.locator("#happened")
        await expect(happened).to_contain_text(f"broker {leading} is down. The others hold copies")
        await expect(page.locator("#node-kafka .broker.down")).to_contain_text(f"broker {leading}")
        await expect(happened).to_contain_text(re.compile("partitions? ha(s|ve) a new leader"))
        await expect(lanes).to_have_count(12)
        await expect(page.locator(f"#partitions [data-leader='{leading}']")).to_have_count(0)
        await place_order(page, instance="order-1", user=somebody())
    finally:
        assert stack.demo("start", f"kafka-{leading}").returncode == 0
    await expect(happened).to_contain_text(f"broker {leading} is back")


async def test_what_happened_is_told_once_and_also_when_it_took_several_reports(open_page: OpenPage) -> None:
    page = await open_page()
    told = await page.evaluate(
        """async (reports) => {
            const { showEvents } = await import("/assets/events.js");
            const model = new EventTarget();
            const list = document.getElementById("happened");
            list.id = "of-the-page";
            list.after(Object.assign(document.createElement("ol"), { id: "happened" }));
            showEvents(model);
            let before = null;
            for (const report of reports) {
                model.dispatchEvent(new CustomEvent("report", { detail: { before, report } }));
                before = report;
            }
            return [...document.querySelectorAll("#happened li span")].map((each) => each.textContent).reverse();
        }""",
        [
            _report("♛1 2 3"),
            _report("2 3", leader=None),
            _report("♛2 3", lag_ms=4_000, lag=7, leader=2),
            _report("", lag_ms=9_000, lag=7, leader=2),
            _report("1 ♛2 3", lag_ms=1_000, leader=2),
            _report("1 ♛2 3", leader=2),
            _report("1 ♛2 3", lag_ms=3_500, lag=0, leader=2),
            _report("1 ♛2 3", leader=2),
            _report("1 ♛2 3", lag_ms=3_500, lag=None, leader=2),
            _report("1 ♛2 3", leader=2),
        ],
    )
    assert told == [
        "broker 1 is down. The others hold copies of everything: nothing is lost.",
        "The brokers elected a new controller: broker 2.",
        "1 partition has a new leader.",
        "The picture has stopped moving: changes wait in Kafka, none is lost.",
        "No broker answers. Orders are still accepted; their events wait in the outboxes.",
        *(f"broker {node} is back." for node in (1, 2, 3)),
        "Caught up. The picture had fallen 9.0 s behind, and nothing is missing.",
        "No news from Kafka: whatever was committed since waits in the outboxes of the instances. None is lost.",
        "Caught up. The picture had fallen 3.5 s behind, and nothing is missing.",
        "Nobody can tell at the moment how far the picture is behind. Changes wait in Kafka or in the outboxes, none is lost.",
        "Caught up. The picture had fallen 3.5 s behind, and nothing is missing.",
    ]


def _report(up: str, *, lag_ms: int = 0, lag: int | None = 0, leader: int | None = 1) -> dict[str, object]:
    """A report of three brokers, of which those in `up` answer; the controller wears a crown; `lag` counts records.

    `leader` leads the one partition, which two connectors read.
    """
    partitions = [{"partition": 0, "leader": leader}]
    connectors = [{"topic": "orders", "partitions": partitions}] * 2
    parts = [
        {
            "name": f"broker {node}",
            "kind": "broker",
            "state": "up" if str(node) in up else "down",
            "detail": "controller" if f"♛{node}" in up else "",
        }
        for node in (1, 2, 3)
    ]
    return {"parts": parts, "connectors": connectors, "lag_ms": lag_ms, "lag": lag, "dead_letters": 0}


async def test_a_hostile_name_is_shown_as_text(open_page: OpenPage) -> None:
    page = await open_page()
    hostile = "<img src=x onerror=alert(1)><b>x</b>"
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    await page.get_by_label("Your name").fill(hostile)
    await page.get_by_role("button", name="Place order").click()
    await expect(page.locator("#views-user")).to_have_text(hostile)
    await expect(page.locator("#view-all li[data-order]").first).to_be_visible()
    assert await page.locator("main img, main b").count() == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [(390, 844), (1440, 900), (1920, 1080)], ids=["phone", "desk", "projector"])
async def test_nothing_serious_stands_in_the_way_of_anybody(
    open_page: OpenPage, size: tuple[int, int], *, dark: bool
) -> None:
    page = await open_page(width=size[0], height=size[1], dark=dark, motion=False)
    await place_order(page, instance="order-1", user=somebody())
    found = (await Axe().run(page)).response["violations"]
    serious = [each["id"] for each in found if each["impact"] in {"serious", "critical"}]
    assert serious == [], [node["html"] for each in found for node in each["nodes"]]
    overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, "the page is wider than the screen"


async def test_the_page_may_load_nothing_from_elsewhere(stack: RunningStack) -> None:
    async with httpx.AsyncClient() as http:
        policy = (await http.get(stack.catalog)).headers["content-security-policy"]
    allowed = {value for directive in policy.split("; ") for value in directive.split()[1:]}
    assert allowed == {"'none'", "'self'", "'script'"}


async def test_a_stack_that_is_not_to_be_broken_has_no_switches(
    open_page: OpenPage, stack: RunningStack
) -> None:
    page = await open_page()
    await expect(page.locator("#fresh-text")).to_have_text("up to date")
    await expect(page.locator("[data-view=playground], .walk")).to_have_count(0)
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{stack.catalog}/playground", json={"do": "kill", "part": "kafka-1"})
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/no-playground")


async def test_commands_of_another_site_are_not_passed_on(stack: RunningStack) -> None:
    body = {"user_id": "mallory", "lines": [{"product_id": "teapot", "quantity": 1}]}
    path = f"{stack.catalog}/instances/order-1/orders"
    async with httpx.AsyncClient() as http:
        for foreign in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
            answer = await http.post(path, json=body, headers=foreign)
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/foreign-origin")
        unknown = await http.get(f"{stack.catalog}/instances/order-9/orders?user_id=ada")
        assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/unknown-instance")
        large = await http.post(path, content=b"x" * 70_000, headers={"Content-Type": "application/json"})
        assert large.status_code == 413
