"""The built guide in a real browser: whole under its strict policy, from files of the catalog alone."""

import pytest
from playwright.async_api import Browser

from demo.home import GUIDE
from tests.support.stack import RunningStack

pytestmark = pytest.mark.skipif(
    not (GUIDE / "index.html").is_file(), reason="`./demo docs` has not built the guide"
)


async def test_chapters_search_and_the_dark_side_work_and_nothing_comes_from_elsewhere(
    browser: Browser, stack: RunningStack
) -> None:
    page = await browser.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))

    await page.goto(f"{stack.catalog}/guide")
    await page.locator("article").get_by_role("link", name="The outbox").first.click()
    await page.get_by_role("heading", name="All or nothing").wait_for()
    before = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await page.evaluate("document.body.dataset.theme = 'dark'")
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") != before

    await page.goto(f"{stack.catalog}/guide/search.html?q=epoch")
    await page.locator("#search-results a").first.wait_for(timeout=60_000)
    await page.goto(f"{stack.catalog}/guide/guide/questions.html")
    answer = page.get_by_text("Nothing. The event is a row of the outbox")
    assert not await answer.is_visible()
    await page.locator("summary").nth(1).click()
    assert await answer.is_visible()
    await page.close()

    assert complaints == []
    assert {address for address in asked if not address.startswith((stack.catalog, "data:"))} == set()
