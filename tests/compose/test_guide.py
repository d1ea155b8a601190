"""The guide is in the catalog's image, and served as `./demo up` serves it."""

import re

import httpx

from tests.support.compose import RunningContainers


async def test_the_guide_is_there_with_what_its_pages_load_and_lead_to(
    stack: RunningContainers, http: httpx.AsyncClient
) -> None:
    start = await http.get(f"{stack.catalog}/guide", follow_redirects=True)
    assert start.status_code == 200
    assert "script-src 'self'" in start.headers["content-security-policy"]
    page = await http.get(f"{stack.catalog}/guide/guarantees.html")
    leads_to = re.findall(r'(?:href|src)="((?:_static|_downloads)/[^"#?]+)', page.text)
    assert {each.partition("/")[0] for each in leads_to} == {"_static", "_downloads"}
    for each in {*leads_to, "guide/questions.html", "kafka.ko.html", "search.html"}:
        answer = await http.get(f"{stack.catalog}/guide/{each}")
        assert answer.status_code == 200, each
