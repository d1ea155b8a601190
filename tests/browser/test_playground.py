"""The page of a stack that was started to be broken: its switches, its sink workers, and an order held at each leg."""

import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.test_page import place_order, somebody
from tests.browser.test_page_languages import HANGUL
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until

LONG_MS = 90_000


@pytest.fixture
def stack(playground: RunningStack) -> RunningStack:
    """Not the session's plain one."""
    return playground


@pytest.fixture(autouse=True)
async def healed(stack: RunningStack) -> AsyncIterator[None]:
    """Whatever a test has left broken is whole again for the next one."""
    yield
    async with httpx.AsyncClient(
        base_url=stack.addresses["parts"]["playground"]["url"], timeout=60
    ) as control:

        async def idle() -> bool:
            return (await control.get("/")).json()["work"] is None

        await control.post("/", json={"do": "end"})
        await wait_until(idle, timeout_s=120, what="nothing is going on")
        await control.post("/", json={"do": "heal-all"})
        await wait_until(idle, timeout_s=200, what="everything is healed")
    await wait_until(stack.is_ready, timeout_s=60, what="every part is ready")


def part(page: Page, name: str) -> Locator:
    return page.locator(f"#play-parts [data-part='{name}']")


async def idle(page: Page) -> None:
    await expect(page.locator("#play-audit")).to_have_attribute("aria-disabled", "false", timeout=LONG_MS)


async def audited(page: Page) -> Locator:
    await idle(page)
    verdict = page.locator("#play-verdict")
    before = await verdict.inner_text()
    await page.get_by_role("button", name="Compare everything").click()
    await expect(verdict).not_to_have_text(before, timeout=LONG_MS)
    return verdict


async def test_a_broker_is_stopped_and_healed_by_its_switch_with_the_keyboard_alone(
    open_page: OpenPage,
) -> None:
    page = await open_page()
    await expect(page.locator("#play-said")).to_have_text("Everything runs.")
    broker = part(page, "kafka-2")
    stop = broker.get_by_role("button", name="Stop")
    await stop.focus()
    await page.keyboard.press("Enter")
    await expect(broker).to_contain_text("is stopped")
    await expect(stop).to_have_attribute("aria-pressed", "true")
    await expect(stop).to_be_focused()
    await expect(page.locator("#play-said")).to_have_text("1 thing is not as it should be.")
    await expect(page.locator("#node-kafka .broker.down")).to_contain_text("broker 2")
    await place_order(page, instance="order-1", user=somebody())
    await stop.focus()
    await page.keyboard.press("Space")
    await expect(broker).to_contain_text("runs", timeout=LONG_MS)
    await expect(page.locator("#happened")).to_contain_text("broker 2 is back", timeout=LONG_MS)


async def test_the_sink_is_paused_and_an_instance_is_killed(open_page: OpenPage, stack: RunningStack) -> None:
    page = await open_page()
    sink = part(page, "sink")
    await sink.get_by_role("button", name="Pause").click()
    await expect(sink).to_contain_text("is paused")
    await page.get_by_label("Your name").fill(somebody())
    await page.get_by_role("button", name="Place order").click()
    await expect(page.locator("#journey li").last).to_contain_text("on its way")
    await sink.get_by_role("button", name="Pause").click()
    await expect(page.locator("#journey .sum")).to_contain_text("Visible", timeout=LONG_MS)
    before = stack.pid("order-3")
    await part(page, "order-3").get_by_role("button", name="Kill").click()
    await wait_until(lambda: stack.pid("order-3") not in {0, before}, what="it was killed, and is restarted")
    await wait_until(stack.is_ready, timeout_s=90, what="it is ready again")
    await expect(part(page, "order-3")).to_contain_text("runs", timeout=LONG_MS)
    await place_order(page, instance="order-3", user=somebody())


async def test_links_are_broken_and_healed_with_the_keyboard_alone(open_page: OpenPage) -> None:
    page = await open_page()
    fault = page.get_by_label("What is to happen")
    link = page.locator("[data-link='order-1:kafka']")
    to_database = page.locator("[data-link='sink:postgres']")
    line, database_line = (page.locator("#play-links li").filter(has=each) for each in (link, to_database))
    await expect(line).to_contain_text("passes")
    await fault.focus()
    await page.keyboard.press("ArrowDown")
    await expect(fault).to_have_value("hold")
    await link.focus()
    await page.keyboard.press("Enter")
    await expect(line).to_contain_text("is held")
    await expect(link).to_have_attribute("aria-pressed", "true")
    await expect(link).to_be_focused()
    await expect(page.locator("#play-said")).to_have_text("1 thing is not as it should be.")
    await page.get_by_role("radio", name="order-1").check(force=True)
    await page.get_by_label("Your name").fill(somebody())
    await page.get_by_role("button", name="Place order").click()
    await expect(page.locator("#journey li").last).to_contain_text("on its way")
    await fault.select_option("cut")
    await to_database.click()
    await expect(database_line).to_contain_text("is cut")
    await link.focus()
    await page.keyboard.press("Space")
    await expect(line).to_contain_text("passes")
    await page.get_by_role("button", name="Heal everything").click()
    await idle(page)
    await expect(database_line).to_contain_text("passes")
    await expect(page.locator("#journey .sum")).to_contain_text("Visible", timeout=LONG_MS)


async def test_the_read_database_is_stopped_and_everything_is_healed_and_the_auditor_finds_nothing(
    open_page: OpenPage,
) -> None:
    page = await open_page()
    await part(page, "postgres").get_by_role("button", name="Stop").click()
    await expect(page.locator("#fresh-text")).to_have_text("read database unavailable")
    assert "no verdict" in await (await audited(page)).inner_text()
    await page.get_by_role("button", name="Heal everything").click()
    await idle(page)
    await expect(page.locator("#fresh-text")).to_have_text("up to date", timeout=LONG_MS)
    await place_order(page, instance="order-2", user=somebody())
    verdict = await audited(page)
    await expect(verdict).to_contain_text(
        re.compile("questions about [0-9,]+ rows and records. Nothing is missing")
    )


async def test_a_wrong_design_is_caught_beside_the_right_one_which_is_clean(open_page: OpenPage) -> None:
    page = await open_page()
    await page.get_by_label("What is done wrong").select_option("no-version-guard")
    await expect(page.locator("#play-anomaly-mishap")).to_contain_text("sent again after its successor")
    await page.get_by_role("button", name="Run both").click()
    wrong, right = (page.locator(f"#play-designs [data-design={each}]") for each in ("wrong", "right"))
    await expect(wrong.locator(".bad").first).to_contain_text("monotonic-reads", timeout=LONG_MS)
    await expect(wrong.locator("pre")).to_contain_text("sends it again")
    await expect(right.locator(".good")).to_have_text("Every check of the history holds.", timeout=LONG_MS)
    await page.locator("#language").click()
    await expect(right).to_contain_text("올바른 설계")


async def test_a_poisoned_topic_is_a_dead_letter_with_its_reason_and_known_to_the_auditor(
    open_page: OpenPage, stack: RunningStack
) -> None:
    page = await open_page()
    await page.locator("#play-faults [data-fault=poison]").click()
    letters = page.locator("#letters")
    await expect(letters).to_contain_text("the value could not be converted")
    one = letters.get_by_role(
        "button", name=re.compile("^Replay orders, partition .* of connector orders$")
    ).first
    await one.focus()
    await page.keyboard.press("Enter")
    await idle(page)
    await expect(letters.get_by_role("status")).to_contain_text("1 stays a dead letter")
    await expect(one).to_be_focused()
    await expect(await audited(page)).to_contain_text("Nothing is missing")
    assert stack.demo("audit", "--wait", "30").returncode == 0


async def test_orders_that_a_wrong_constraint_refuses_are_replayed_once_it_is_gone(
    open_page: OpenPage,
) -> None:
    page = await open_page()
    refuse = page.locator("#play-faults [data-fault=refuse-orders]")
    await refuse.click()
    await expect(refuse).to_have_attribute("aria-pressed", "true")
    user = somebody()
    await page.get_by_label("Your name").fill(user)
    await page.get_by_role("button", name="Place order").click()
    letters = page.locator("#letters")
    await expect(letters).to_contain_text("the database refused it")
    await expect(letters).to_contain_text("playground")
    await refuse.click()
    await expect(refuse).to_have_attribute("aria-pressed", "false")
    await idle(page)
    await letters.get_by_role("button", name="Replay all of orders").click()
    await expect(letters.get_by_role("status")).to_contain_text("written")
    await expect(page.locator("#view-all li[data-order]")).to_have_count(1)


async def test_partitions_move_to_a_sink_worker_that_joins_and_back_when_it_leaves(
    open_page: OpenPage,
) -> None:
    page = await open_page()
    lanes = page.locator("#partitions [data-worker]")
    await expect(page.locator("#partitions [data-worker=sink]")).to_have_count(18)
    await page.get_by_role("button", name="Add one").click()
    await expect(page.locator("#play-workers")).to_contain_text("2 workers: sink, sink-2", timeout=LONG_MS)
    await idle(page)
    await expect(page.locator("#partitions [data-worker=sink-2]").nth(5)).to_be_visible(timeout=LONG_MS)
    await expect(lanes).to_have_count(18, timeout=LONG_MS)
    await expect(page.locator("#happened")).to_contain_text("read by another worker now")
    await place_order(page, instance="order-1", user=somebody())
    await page.get_by_role("button", name="Remove one").click()
    await expect(page.locator("#play-workers")).to_contain_text("1 worker: sink.", timeout=LONG_MS)
    await expect(page.locator("#partitions [data-worker=sink]")).to_have_count(18, timeout=LONG_MS)
    await place_order(page, instance="order-2", user=somebody())


async def test_an_order_is_held_at_each_leg_until_the_visitor_lets_it_go_on(open_page: OpenPage) -> None:
    page = await open_page()
    said, forth = page.locator("#walk-said"), page.get_by_role("button", name="Next leg")
    current = page.locator("#walk-legs [aria-current=step]")
    await page.get_by_role("button", name="Hold the next order").click()
    await expect(current).to_have_text("outbox", timeout=LONG_MS)
    user = somebody()
    await page.get_by_role("radio", name="order-2").check(force=True)
    await page.get_by_label("Your name").fill(user)
    await page.get_by_role("button", name="Place order").click()
    await expect(page.locator("#journey")).to_contain_text("committed by order-2, answered")
    await forth.click()
    await expect(current).to_have_text("Kafka", timeout=LONG_MS)
    await current.click()
    record = page.locator("#trace [data-side=record]")
    row = page.locator("#trace [data-side=row]")

    async def in_kafka() -> bool:
        await page.get_by_role("button", name="Ask again").click()
        return "order.placed.v1" in await record.inner_text()

    await wait_until(in_kafka, timeout_s=60, every_s=0.5, what="the relay has handed it over")
    await expect(row).to_contain_text("There is no row yet.")
    await forth.click()
    await expect(current).to_have_text("sink", timeout=LONG_MS)
    await expect(said).to_contain_text("is in its transaction")
    await page.get_by_role("button", name="Ask again").click()
    await expect(row).to_contain_text("There is no row yet.")
    await forth.click()
    await expect(said).to_contain_text("Nothing is held", timeout=LONG_MS)
    await expect(page.locator("#view-all li[data-order]")).to_have_count(1)


async def test_who_leaves_in_the_middle_lets_everything_go(open_page: OpenPage, stack: RunningStack) -> None:
    page = await open_page()
    await page.get_by_role("button", name="Hold the next order").click()
    await expect(page.locator("#walk-legs [aria-current=step]")).to_have_text("outbox", timeout=LONG_MS)
    refused = page.locator("#play-audit")
    await expect(refused).to_have_attribute("aria-disabled", "true")
    await page.get_by_role("button", name="Let everything go").click()
    await idle(page)
    for number in (1, 2, 3):
        await expect(part(page, f"kafka-{number}")).to_contain_text("runs")
    await place_order(page, instance="order-1", user=somebody())


async def test_random_faults_by_a_seed_are_listed_as_they_strike_and_judged(open_page: OpenPage) -> None:
    page = await open_page()
    await page.get_by_label("Seed").fill("7")
    await page.get_by_label("Minutes").fill("0.2")
    await page.get_by_role("button", name="Start").click()
    await expect(page.locator("#play-schedule li").first).to_contain_text(re.compile(r"^\d+ s · "))
    await expect(page.locator("#play-said")).to_contain_text("Random faults strike")
    await expect(page.locator("#play-verdict")).to_contain_text("Seed 7: ", timeout=240_000)
    await expect(page.locator("#play-verdict")).to_contain_text("Nothing is missing")


async def test_random_faults_can_be_ended(open_page: OpenPage) -> None:
    page = await open_page()
    await page.get_by_label("Minutes").fill("5")
    await page.get_by_role("button", name="Start").click()
    await expect(page.locator("#play-schedule li").first).to_be_visible(timeout=LONG_MS)
    await page.get_by_role("button", name="End what is going on").click()
    await expect(page.locator("#play-verdict")).to_contain_text(
        "ended before there was a verdict", timeout=240_000
    )


@pytest.mark.parametrize("size", [(390, 844), (1440, 900)], ids=["phone", "desk"])
@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
async def test_nothing_serious_stands_in_the_way_of_who_breaks_it(
    open_page: OpenPage, locale: str, size: tuple[int, int]
) -> None:
    page = await open_page(width=size[0], height=size[1], motion=False, locale=locale)
    await part(page, "order-3").locator("button").first.click()
    await expect(part(page, "order-3").locator("button").first).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#partitions [data-worker]").first).to_be_visible()
    if locale == "ko-KR":
        for place in ("#play-said", "#play-parts", "#play-faults", "#play-workers", "#play-links", ".walk"):
            await expect(page.locator(place)).to_contain_text(HANGUL)
    found = (await Axe().run(page)).response["violations"]
    serious = [each["id"] for each in found if each["impact"] in {"serious", "critical"}]
    assert serious == [], [node["html"] for each in found for node in each["nodes"]]
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


async def test_a_switch_takes_no_command_of_another_site(stack: RunningStack) -> None:
    command = json.dumps({"do": "kill", "part": "kafka-1"})
    control = stack.addresses["parts"]["playground"]["url"]
    async with httpx.AsyncClient(headers={"Content-Type": "application/json"}) as http:
        for address in (f"{stack.catalog}/playground", f"{control}/"):
            for foreign in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
                answer = await http.post(address, content=command, headers=foreign)
                assert (answer.status_code, answer.json()["type"]) == (403, "/problems/foreign-origin")
