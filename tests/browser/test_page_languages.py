"""The page in both languages: the browser's, or the one that was chosen; and no text that neither of them has."""

import json
import re
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Page, expect

from catalog_service.http.page import WEB
from tests.browser.conftest import OpenPage
from tests.browser.test_page import somebody

HANGUL = re.compile("[가-힣]")
ENGLISH: dict[str, Any] = json.loads((WEB / "assets" / "texts" / "en.json").read_text())
KOREAN: dict[str, Any] = json.loads((WEB / "assets" / "texts" / "ko.json").read_text())


async def fill_every_panel(page: Page, texts: dict[str, Any]) -> None:
    await page.locator("#order-user").fill(somebody())
    await page.locator("#order-send").click()
    await expect(page.locator("#journey .sum")).to_be_visible()
    await page.locator("#history-place").click()
    await expect(page.locator("#history-verdict p.tally")).to_be_visible()
    await page.locator("#legs .total button").click()
    await expect(page.locator("#trace .side")).to_have_count(3)
    await expect(page.locator("#partitions tr[data-partition]")).to_have_count(12)
    await expect(page.locator("#happened li").first).to_contain_text(texts["event.connected"])


async def test_the_browsers_language_is_spoken_and_another_choice_is_remembered(open_page: OpenPage) -> None:
    page = await open_page(locale="ko-KR")
    html = page.locator("html")
    await expect(html).to_have_attribute("lang", "ko")
    await expect(page).to_have_title(KOREAN["page.title"])
    await expect(page.locator("#order-send")).to_have_text(KOREAN["order.send"])
    await page.get_by_role("button", name="English").click()
    await expect(html).to_have_attribute("lang", "en")
    await expect(page.locator("#order-send")).to_have_text("Place order")
    await page.reload()
    await expect(html).to_have_attribute("lang", "en")
    await page.get_by_role("button", name="한국어").click()
    await page.reload()
    await expect(html).to_have_attribute("lang", "ko")


async def test_a_language_that_the_page_does_not_speak_is_answered_in_english(open_page: OpenPage) -> None:
    page = await open_page(locale="fr-FR")
    await expect(page.locator("html")).to_have_attribute("lang", "en")


async def test_what_is_on_the_page_already_changes_its_language_too(open_page: OpenPage) -> None:
    page = await open_page()
    await fill_every_panel(page, ENGLISH)
    await page.locator("#language").click()
    for place in (
        *(
            "#journey .sum",
            "#views-verdict",
            "#history-verdict",
            "#trace",
            "#happened",
            "#stock",
            "#node-sink",
        ),
        *("#fresh-text", "#legs", "#partitions", "#letters", "#node-kafka", "#flow-instances"),
    ):
        await expect(page.locator(place)).to_contain_text(HANGUL)
    await expect(page.locator("#happened")).to_contain_text(KOREAN["event.connected"])
    await expect(page.locator("#happened")).not_to_contain_text(ENGLISH["event.connected"])


async def test_numbers_and_particles_are_korean_in_korean(open_page: OpenPage) -> None:
    page = await open_page(locale="ko-KR")
    said = await page.evaluate(
        """async () => {
            const { t } = await import("/assets/texts.js");
            const { age, clock, count, euros } = await import("/assets/format.js");
            const away = ["order-1", "order-2", "order-3", "브로커 6", "재고", "orders"].map((instance) => t("missing.instance", { instance }));
            const to = ["order-1", "order-2", "order-3"].map((instance) => t("verdict.same", { user: "ada", instance }).match(/order\\S+/)[0]);
            return { away, to, figures: [age(0.2), age(12), age(1234), age(180_000), count(12345), euros(450)], clock: clock(0) };
        }"""
    )
    assert [each.split(" 응답")[0] for each in said["away"]] == [
        *("order-1이", "order-2가", "order-3이", "브로커 6이", "재고가", "orders이(가)")
    ]
    assert said["to"] == ["order-1로", "order-2로", "order-3으로"]
    assert said["figures"] == ["< 1 ms", "12 ms", "1.2초", "3분", "12,345", "€4.50"]
    assert re.fullmatch(r"\d\d:\d\d:\d\d", said["clock"])


async def test_no_text_stands_outside_of_the_table(open_page: OpenPage) -> None:
    """With a table in which every letter is another one, only data is left to be read."""
    page = await open_page(texts={key: _unreadable(text) for key, text in ENGLISH.items()})
    await fill_every_panel(page, {"event.connected": _unreadable(ENGLISH["event.connected"])})
    found = await page.evaluate(
        """() => {
            const data = "code, pre, noscript, script, style, #language, time, .id, #view-one, #view-all, #order-product, #trace-said";
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            const texts = [];
            while (walker.nextNode()) if (!walker.currentNode.parentElement.closest(data)) texts.push(walker.currentNode.textContent);
            for (const each of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
                if (!each.closest(data)) for (const name of ["aria-label", "title", "placeholder"]) texts.push(each.getAttribute(name) ?? "");
            }
            const products = [...document.querySelectorAll("#stock .name")].map((each) => each.textContent);
            return { texts, products };
        }"""
    )
    data = {"order", "orders", "products", "history", "placed", "confirmed", "rejected", "visitor"}
    data |= {word for product in found["products"] for word in re.findall("[A-Za-z]+", product)}
    left = {
        word
        for text in found["texts"]
        for word in re.findall("[A-Za-z]{2,}", re.sub(r"order-\d|visitor \w+", "", text))
    }
    assert left - data == set()


def _unreadable(text: Any) -> Any:
    if isinstance(text, dict):
        return {form: _unreadable(each) for form, each in text.items()}
    pieces = re.split(r"(\{[^}]+\}|`[^`]+`)", text)
    return "".join(each if each[:1] in {"{", "`"} else re.sub("[A-Za-z]", "ж", each) for each in pieces)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [(390, 844), (1440, 900)], ids=["phone", "desk"])
@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
async def test_nothing_serious_stands_in_the_way_with_every_panel_full(
    open_page: OpenPage, locale: str, size: tuple[int, int], *, dark: bool
) -> None:
    page = await open_page(width=size[0], height=size[1], dark=dark, motion=False, locale=locale)
    await fill_every_panel(page, KOREAN if locale == "ko-KR" else ENGLISH)
    found = (await Axe().run(page)).response["violations"]
    serious = [each["id"] for each in found if each["impact"] in {"serious", "critical"}]
    assert serious == [], [node["html"] for each in found for node in each["nodes"]]
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
