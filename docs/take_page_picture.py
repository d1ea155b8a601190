# ruff: noqa: INP001 - a script that stands alone
"""Takes `docs/page.png`, the README's picture of the page, from the stack that `./demo up` left running.

    .venv/bin/python docs/take_page_picture.py [http://localhost:8000]

Needs the packages of `./demo test` and Debian's Chromium.
"""

import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

PICTURE = Path(__file__).with_name("page.png")
USER = "grace"
INSTANCES = ("order-1", "order-3", "order-2")
WIDTH, HEIGHT = 1440, 1800
TRIES = 10


def place_orders(page: Page) -> None:
    """One at each instance, each seen to its end."""
    for instance in INSTANCES:
        page.get_by_role("radio", name=instance).check(force=True)
        page.get_by_label("Your name").fill(USER)
        page.get_by_role("button", name="Place order").click()
        expect(page.locator("#journey")).to_contain_text(f"{instance}-", timeout=30_000)
        expect(page.locator("#journey")).to_contain_text(re.compile("confirmed|rejected"), timeout=30_000)


def read_back(page: Page) -> None:
    """Write and read at once, until one of the reads was early enough to be stale."""
    verdict = page.locator("#history-verdict")
    for _ in range(TRIES):
        before = verdict.text_content() or ""
        page.get_by_role("button", name="Place an order and read it").click()
        expect(verdict).not_to_have_text(before, timeout=30_000)
        expect(verdict).to_contain_text("So far", timeout=30_000)
        if page.locator("#history .bar.stale").count():
            return


def main(url: str = "http://localhost:8000") -> None:
    """Open the page, place orders, take the picture."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion="reduce", locale="en-GB"
        )
        page.goto(url)
        expect(page.locator("#fresh-text")).to_have_text("up to date", timeout=30_000)
        place_orders(page)
        read_back(page)
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
