"""What the page lets a visitor look into: own writes and reads, the real things along the way, lanes, dead letters."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
from playwright.async_api import Page, Route, expect

from sink_connector.dead_letters.table import SQL as DEAD_LETTERS
from sink_connector.dead_letters.table import drop
from tests.browser.conftest import OpenPage
from tests.browser.test_page import place_order, somebody
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until


@asynccontextmanager
async def orders_paused(stack: RunningStack) -> AsyncIterator[httpx.AsyncClient]:
    """The sink writes no orders for a while."""
    async with httpx.AsyncClient(base_url=stack.sink_url) as http:

        async def state() -> str:
            status = (await http.get("/connectors/orders/status")).json()
            states = {status["connector"]["state"], *(task["state"] for task in status["tasks"])}
            return states.pop() if len(states) == 1 else ""

        async def told(wanted: str) -> bool:
            return await state() == wanted

        (await http.put("/connectors/orders/pause")).raise_for_status()
        try:
            await wait_until(lambda: told("PAUSED"), what="the connector pauses")
            yield http
        finally:
            (await http.put("/connectors/orders/resume")).raise_for_status()
            await wait_until(lambda: told("RUNNING"), what="the connector goes on")


async def write_and_read(page: Page) -> None:
    await page.get_by_label("Your name").fill(somebody())
    await page.get_by_role("button", name="Place an order and read it").click()


async def test_a_read_without_the_token_is_stale_and_the_one_with_it_waits(
    open_page: OpenPage, stack: RunningStack
) -> None:
    page = await open_page()
    async with orders_paused(stack) as sink:
        await write_and_read(page)
        await expect(page.locator("#history .bar.plain.stale").nth(2)).to_be_attached()
        await expect(page.locator("#history .bar.token")).to_have_count(0)
        (await sink.put("/connectors/orders/resume")).raise_for_status()
        verdict = page.locator("#history-verdict")
        await expect(verdict).to_contain_text("the query side waited until version 1 was visible")
    await expect(verdict).to_contain_text(re.compile(r"Stale: [0-9]+ reads without the token"))
    await expect(verdict).to_contain_text("saw nothing, not version 1")
    await expect(verdict).to_contain_text(
        re.compile(r"stale [1-9][0-9]*\. With the token: reads 1, stale 0\.")
    )
    await expect(page.locator("#history .bar.token.fresh")).to_have_count(1)
    await expect(page.locator("#history .bar.plain.fresh")).to_have_count(1)


async def test_a_token_is_rather_refused_than_answered_with_what_was_before(
    open_page: OpenPage, stack: RunningStack
) -> None:
    page = await open_page()
    await write_and_read(page)
    await expect(page.locator("#history-verdict")).to_contain_text("With the token")
    await expect(page.get_by_role("button", name="Cancel it and read it")).to_be_enabled()
    async with orders_paused(stack):
        await page.get_by_role("button", name="Cancel it and read it").click()
        await expect(page.locator("#history-verdict")).to_contain_text("refused to answer (503)")
    await expect(page.locator("#history .bar.token.refused")).to_have_count(1)
    await expect(page.locator("#history-verdict")).to_contain_text(
        re.compile(r"saw version \d, (pending|confirmed)")
    )
    await page.get_by_text("As a table").click()
    stale = page.locator("#history tbody tr.stale")
    await expect(stale.first).to_contain_text(re.compile("reads without the token.*stale"))


async def test_each_step_of_an_order_opens_what_lies_there(open_page: OpenPage, stack: RunningStack) -> None:
    page = await open_page()
    await place_order(page, instance="order-2", user=somebody())
    order_id = (await page.locator("#journey .id").inner_text()).strip()
    await page.get_by_role("button", name="in Kafka, on a majority of brokers").click()
    side = page.locator("#trace .side")
    await expect(side).to_have_count(3)
    await expect(page.locator("#trace .side.chosen")).to_have_attribute("data-side", "record")
    write, record, row = (page.locator(f"#trace [data-side={name}]") for name in ("write", "record", "row"))
    await expect(write).to_contain_text(re.compile("Row [0-9]+ of the outbox of order-2 became this record"))
    await expect(record).to_contain_text(
        re.compile("topic orders, partition [0-5], offset [0-9]+.*led by broker [1-3]", re.DOTALL)
    )
    await expect(record).to_contain_text('"ce_type": "order.placed.v1"')
    await expect(row).to_contain_text(f'"order_id": "{order_id}"')
    await expect(row).to_contain_text(
        re.compile("Connector order-history: next offset [0-9]+, past this record")
    )
    async with httpx.AsyncClient() as http:
        told = (await http.get(f"{stack.catalog}/orders/{order_id}/trace")).raise_for_status().json()
    assert f"offset {told['records'][0]['offset']}" in await record.inner_text()
    await page.get_by_role("button", name="version 2: order.confirmed.v1").click()
    await expect(record).to_contain_text('"status": "CONFIRMED"')
    await expect(page.get_by_role("button", name="version 2: order.confirmed.v1")).to_be_focused()


async def test_an_order_leads_to_its_trace_where_there_is_a_trace_store(
    open_page: OpenPage, stack: RunningStack
) -> None:
    """The stack has none, so that answers are given the address here as a catalog with one gives it (test_trace_links)."""
    page = await open_page()
    await place_order(page, instance="order-1", user=somebody())
    await expect(page.locator("#journey .sum")).to_be_visible()
    await expect(page.locator("#journey a")).to_have_count(0)
    store = "http://127.0.0.1:9/traces/4bf9"

    async def command(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, headers=answer.headers | {"trace-url": store})

    async def looked_into(route: Route) -> None:
        answer = await route.fetch()
        told = await answer.json()
        for record in told["records"]:
            record["trace_url"] = store
        await route.fulfill(response=answer, json=told)

    await page.route("**/instances/order-2/orders", command)
    await page.route("**/orders/*/trace", looked_into)
    await place_order(page, instance="order-2", user=somebody())
    link = page.locator("#journey").get_by_role("link", name="Its trace, span by span")
    for name, value in {"href": store, "target": "_blank", "rel": "noreferrer"}.items():
        await expect(link).to_have_attribute(name, value)
    await page.get_by_role("button", name="in Kafka, on a majority of brokers").click()
    await expect(page.locator("#trace [data-side=record] a")).to_have_attribute("href", store)
    await page.locator("#language").click()
    await expect(page.locator("#journey a")).to_have_text("이 주문의 추적을 스팬별로 보기")


async def test_a_leg_and_an_order_of_the_list_open_it_too_and_the_address_leads_back(
    open_page: OpenPage,
) -> None:
    page = await open_page()
    user = somebody()
    await place_order(page, instance="order-3", user=user)
    await page.locator("#legs .apply button").click()
    await expect(page.locator("#trace .side.chosen")).to_have_attribute("data-side", "row")
    await expect(page.locator("#trace-title")).to_be_focused()
    address = page.url.partition("#")[2]
    assert re.fullmatch(r"/trace\?order=order-3-[0-9A-Z]{26}&leg=apply", address)
    await page.locator("#view-all button").first.click()
    await expect(page.locator("#trace .side.chosen")).to_have_count(0)
    again = await open_page(f"#{address}")
    await expect(again.locator("#trace .side.chosen")).to_have_attribute("data-side", "row")
    await expect(again.locator("#trace-title")).to_be_in_viewport()
    answers = await open_page(f"#/answers?user={user}&instance=order-3")
    await expect(answers.locator("#view-one li[data-order]")).to_have_count(1)
    await expect(answers.get_by_role("radio", name="order-3")).to_be_checked()


async def test_every_view_has_a_link_to_it(open_page: OpenPage) -> None:
    page = await open_page()
    views = page.locator("[data-view]")
    for number in range(await views.count()):
        view = views.nth(number)
        name = await view.get_attribute("data-view")
        link = view.locator("> .link")
        await expect(link).to_have_attribute("href", re.compile(f"^#/{name}(\\?|$)"))
        await link.click()
        await expect(view.locator("h2").first).to_be_focused()


async def test_each_lane_shows_the_broker_that_leads_it(open_page: OpenPage) -> None:
    page = await open_page()
    lanes = page.locator("#partitions tr[data-partition]")
    await expect(lanes).to_have_count(12)
    await expect(page.locator("#partitions [data-leader]")).to_have_count(12)
    leaders = set(await page.locator("#partitions [data-leader]").all_inner_texts())
    assert leaders <= {"broker 1", "broker 2", "broker 3"}


async def test_records_that_wait_stand_in_their_lane(open_page: OpenPage, stack: RunningStack) -> None:
    page = await open_page()
    async with orders_paused(stack):
        await page.get_by_label("Your name").fill(somebody())
        await page.get_by_role("button", name="Place order").click()
        waiting = page.locator("#partitions .behind", has_text="orders: ")
        await expect(waiting).to_have_count(1)
        await expect(waiting.locator("i").first).to_be_visible()
    await expect(page.locator("#partitions .behind")).to_have_count(0)


async def test_a_dead_letter_is_shown_with_its_reason(open_page: OpenPage, stack: RunningStack) -> None:
    page = await open_page()
    database = await asyncpg.connect(stack.owner_dsn)
    offset = 10**15
    try:
        place = ("orders", "orders", 3, offset)
        error = ("VALUE_CONVERTER", "DataError", "the value is <b>no</b> JSON")
        await database.execute(DEAD_LETTERS["store"], *place, None, b"key", b"value", "[]", *error)
        letter = page.locator("#letters li", has_text=f"orders, partition 3, offset {offset}")
        await expect(letter).to_contain_text("the value is <b>no</b> JSON")
        await expect(letter).to_contain_text("connector orders · the value could not be converted")
        await expect(page.locator("#letters")).to_contain_text("./demo dead-letters replay orders")
        listed = stack.demo("dead-letters", "list", "orders")
        assert f"orders/3/{offset}" in listed.stdout, listed.stderr
    finally:
        stored = await database.fetch('SELECT id FROM sink.dead_letters_v1 WHERE "offset" = $1', offset)
        await drop(database, "orders", [row["id"] for row in stored])
        await database.close()
    await expect(page.locator("#letters")).to_contain_text("None: every record was applied.")


async def test_for_a_room_everything_is_larger_and_stays_so(open_page: OpenPage) -> None:
    page = await open_page(width=1920, height=1080)
    size = "parseFloat(getComputedStyle(document.querySelector('#legs strong')).fontSize)"
    before = await page.evaluate(size)
    await page.get_by_role("button", name="Projector view").click()
    assert await page.evaluate(size) > before
    await page.reload()
    await expect(page.get_by_role("button", name="Projector view")).to_have_attribute("aria-pressed", "true")
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


async def test_on_paper_there_is_nothing_to_press_and_nothing_cut_off(open_page: OpenPage) -> None:
    page = await open_page(dark=True)
    await place_order(page, instance="order-1", user=somebody())
    await page.emulate_media(media="print")
    for gone in ("#order-form", "#theme", "#history-place", "#flow-lines"):
        await expect(page.locator(gone)).to_be_hidden()
    await expect(page.locator("#view-all li[data-order]").first).to_be_visible()
    cut = await page.evaluate(
        "[...document.querySelectorAll('.orders, .stock, .happened')].filter((each) => each.scrollHeight > each.clientHeight + 1).length"
    )
    assert cut == 0
    assert (
        await page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor")
        == "rgb(255, 255, 255)"
    )
