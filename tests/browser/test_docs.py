"""The API's description in a real browser: it works from files of the service alone, under its strict policy."""

import asyncio
from pathlib import Path

from playwright.async_api import Browser

from order_service.entrypoints.server import HttpServer
from tests.support.order_api import order_api
from tests.support.waiting import wait_until


async def test_every_operation_is_shown_and_nothing_comes_from_elsewhere(
    browser: Browser, tmp_path: Path
) -> None:
    async with order_api(tmp_path) as api:
        server = HttpServer(api.service.app, host="127.0.0.1", port=0)
        serving = asyncio.create_task(server.serve())
        await wait_until(lambda: server.started, what="the service serves")
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        try:
            page = await browser.new_page()
            complaints: list[str] = []
            asked: list[str] = []
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("request", lambda request: asked.append(request.url))
            await page.goto(f"{url}/docs")
            await page.wait_for_selector(".opblock", timeout=60_000)
            assert await page.locator(".opblock").count() == sum(
                len(methods) for methods in api.service.app.openapi()["paths"].values()
            )
            await page.locator(".opblock-summary-control").first.click()
            await page.locator(".try-out__btn").first.click()
            await page.wait_for_selector(".execute")
            await page.close()
        finally:
            server.should_exit = True
            await serving
    assert complaints == []
    assert {address for address in asked if not address.startswith((url, "data:"))} == set()
