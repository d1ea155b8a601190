"""The page of a stack that asks who one is, in a real browser: signing in and out, and what each visitor gets to see."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from playwright.async_api import ConsoleMessage, Page, expect

from tests.e2e.own_stack.secure.conftest import place_order
from tests.support.browser import chromium
from tests.support.stack import RunningStack

expect.set_options(timeout=60_000)

Visit = Callable[[], Awaitable[Page]]
TO_PRESS = """[...document.querySelectorAll("#journey *, .orders *")]
    .filter((each) => each.tagName === "BUTTON" || getComputedStyle(each).cursor === "pointer").length"""


@pytest.fixture
async def visit(secure_stack: RunningStack) -> AsyncIterator[Visit]:
    """Opens the page for a visitor of whom nothing is known; what it complains of fails the test."""
    complaints: list[str] = []

    def blocked(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(message.text)

    async with chromium() as browser:

        async def visited() -> Page:
            # Who trusts which authority is for other tests: a browser keeps its own list of them.
            context = await browser.new_context(locale="en-US", ignore_https_errors=True)
            page = await context.new_page()
            page.set_default_timeout(60_000)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", blocked)
            await page.goto(secure_stack.catalog)
            return page

        yield visited
    assert complaints == []


async def sign_in(page: Page, user: str) -> None:
    await page.get_by_role("link", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Who are you?")).to_be_visible()
    await page.get_by_role("button", name=user, exact=True).click()
    await expect(page.locator("#session")).to_contain_text(f"Signed in as {user}")
    await page.get_by_role("radio").first.wait_for(state="attached")
    await page.locator("#order-product option").first.wait_for(state="attached")


async def shown_orders(page: Page) -> set[str]:
    """The ids of the orders in the one picture."""
    ids: list[str] = await page.locator("#view-all [data-order]").evaluate_all(
        "(rows) => rows.map((row) => row.dataset.order)"
    )
    return set(ids)


async def status_of(page: Page, path: str) -> int:
    """What the catalog answers to the page itself, cookie and all."""
    status: int = await page.evaluate("async (path) => (await fetch(path)).status", path)
    return status


async def test_ada_signs_in_places_an_order_sees_it_confirmed_and_signs_out(
    visit: Visit, secure_stack: RunningStack
) -> None:
    of_bob = await place_order(secure_stack, "bob")
    page = await visit()
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    await expect(page.locator("#order-form")).to_be_hidden()
    assert await status_of(page, "/orders?user_id=ada") == 401

    await sign_in(page, "ada")
    await expect(page.get_by_label("Your name")).to_have_value("ada")
    await expect(page.get_by_label("Your name")).not_to_be_editable()
    await page.get_by_role("radio", name="order-2").check(force=True)
    await page.get_by_role("button", name="Place order").click()
    await expect(page.locator("#journey .sum")).to_contain_text("confirmed")
    order_id = (await page.locator("#journey .id").inner_text()).strip()
    assert order_id.startswith("order-2-")
    await expect(page.locator(f"#view-all [data-order='{order_id}']")).to_contain_text("confirmed")
    assert of_bob not in await shown_orders(page)
    for foreign in (f"/orders/{of_bob}", "/orders?user_id=bob", "/orders", "/stream?user_id=bob", "/sync"):
        assert await status_of(page, foreign) == 403, foreign

    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    await expect(page.locator("#view-all")).to_be_hidden()
    assert await status_of(page, f"/orders/{order_id}") == 401


async def test_what_is_for_the_staff_is_neither_shown_to_a_user_nor_to_be_pressed(visit: Visit) -> None:
    page = await visit()
    await sign_in(page, "ada")
    await page.get_by_role("button", name="Place order").click()
    await expect(page.locator("#journey .sum")).to_contain_text("confirmed")
    await expect(page.locator("#journey li.done").first).to_be_visible()
    await expect(page.locator("#view-one [data-order]").first).to_be_visible()
    assert await page.evaluate(TO_PRESS) == 0
    for_staff = page.locator("[data-staff]")
    assert await for_staff.count() > 5
    for each in await for_staff.all():
        await expect(each).to_be_hidden()


async def test_bob_does_not_see_what_is_adas(visit: Visit, secure_stack: RunningStack) -> None:
    of_ada = await place_order(secure_stack, "ada", instance="order-3")
    of_bob = await place_order(secure_stack, "bob", instance="order-3")
    page = await visit()
    await sign_in(page, "bob")
    await expect(page.locator(f"#view-all [data-order='{of_bob}']")).to_contain_text("confirmed")
    assert of_ada not in await shown_orders(page)
    assert await status_of(page, f"/orders/{of_ada}") == 403
    assert await status_of(page, f"/instances/order-3/orders/{of_ada}") == 403


async def test_the_staff_sees_everybodys_and_looks_inside(visit: Visit, secure_stack: RunningStack) -> None:
    placed = {user: await place_order(secure_stack, user) for user in ("ada", "bob")}
    page = await visit()
    await sign_in(page, "staff")
    await expect(page.locator("#flow-instances .node")).to_have_count(3)
    await expect(page.locator("#fresh-text")).to_have_text("up to date")
    for user, order_id in placed.items():
        await page.get_by_label("Your name").fill(user)
        await expect(page.locator(f"#view-all [data-order='{order_id}']")).to_contain_text("confirmed")
    await page.locator(f"#view-all [data-order='{placed['bob']}'] button").click()
    await expect(page.locator("#trace [data-side=row]")).to_contain_text(f'"order_id": "{placed["bob"]}"')
