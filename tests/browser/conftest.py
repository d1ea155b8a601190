"""The page in a real browser, on the whole real stack."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request

from tests.support.browser import chromium
from tests.support.stack import RunningStack

OpenPage = Callable[..., Awaitable[Page]]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def open_page(browser: Browser, stack: RunningStack) -> AsyncIterator[OpenPage]:
    """Opens the page, ready to be used; whatever it complains of, or asks of another host, fails the test.

    `texts` takes the place of the English table.
    """
    complaints: list[str] = []

    def blocked(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(message.text)

    def elsewhere(request: Request) -> None:
        if not request.url.startswith(stack.catalog):
            complaints.append(request.url)

    async def opened(  # noqa: PLR0913 - a visitor's screen, wishes and language
        path: str = "",
        *,
        width: int = 1440,
        height: int = 900,
        dark: bool = False,
        motion: bool = True,
        locale: str = "en-US",
        texts: dict[str, Any] | None = None,
    ) -> Page:
        context = await browser.new_context(
            locale=locale,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="no-preference" if motion else "reduce",
        )
        page = await context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", blocked)
        page.on("request", elsewhere)
        if texts is not None:
            await page.route("**/assets/texts/en.json", lambda route: route.fulfill(json=texts))
        await page.goto(f"{stack.catalog}/{path}")
        await page.get_by_role("radio").first.wait_for(state="attached")
        await page.locator("#order-product option").first.wait_for(state="attached")
        return page

    yield opened
    assert complaints == []
