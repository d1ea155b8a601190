"""Requests to foreign names, and commands that pages of other sites send."""

import pytest

from tests.unit.http.conftest import MakeServed, Served

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "2130706433",
    "user@localhost",
    "localhost:port",
    "localhost/",
    "",
    "[::1",
    "[127.0.0.1]",
    "[::::]",
    "::1",
]
OWN_HOSTS = ["localhost", "LocalHost:8001", "localhost.", "127.0.0.1", "10.1.2.3:9", "[::1]:80", "[fd00::1]"]
FOREIGN_SENDERS = [
    {"Origin": "https://evil.example"},
    {"Origin": "http://127.0.0.1:9999"},
    {"Origin": "http://localhost:8000"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "file://"},
    {"Origin": "127.0.0.1:8000"},
    {"Origin": "http://127.0.0.1:8000.evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8000"},
]
OWN_SENDERS = [
    {},
    {"Origin": "http://127.0.0.1:8000"},
    {"Origin": "https://127.0.0.1:8000"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8000"},
    {"Sec-Fetch-Site": "none"},
]


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
async def test_a_request_to_a_foreign_name_is_refused(served: Served, host: str) -> None:
    async with served.client() as http:
        for method, path in (("GET", served.read), ("HEAD", served.read), ("OPTIONS", "/"), served.command):
            answer = await http.request(method, path, headers={"Host": host})
            assert answer.status_code == 400, (method, path)
            if method != "HEAD":
                assert served.error(answer)[1] == 400


async def test_a_request_names_its_host_once(served: Served) -> None:
    async with served.client() as http:
        two = await http.get(served.read, headers=[("Host", "localhost"), ("Host", "localhost")])
        without = http.build_request("GET", served.read)
        del without.headers["Host"]
        none = await http.send(without)
    assert (two.status_code, none.status_code) == (400, 400)


@pytest.mark.parametrize("host", OWN_HOSTS)
async def test_loopback_names_and_addresses_are_served(served: Served, host: str) -> None:
    async with served.client() as http:
        assert (await http.get(served.read, headers={"Host": host})).status_code == 200


async def test_a_service_answers_to_its_own_name(served: Served) -> None:
    async with served.client(f"http://{served.own_name}:8000") as http:
        assert (await http.get(served.read)).status_code == 200


@pytest.mark.parametrize(
    ("hosts", "host", "status"),
    [
        ("shop.example, other", "SHOP.example:80", 200),
        ("shop.example,other", "other", 200),
        ("shop.example", "x.shop.example", 400),
        ("*", "anything.example", 200),
        ("*", "not a host", 400),
        ("*", "[::::]", 400),
    ],
)
async def test_names_can_be_allowed(make_served: MakeServed, hosts: str, host: str, status: int) -> None:
    served = await make_served(",".join(name.strip() for name in hosts.split(",")))
    async with served.client() as http:
        assert (await http.get(served.read, headers={"Host": host})).status_code == status


@pytest.mark.parametrize("headers", FOREIGN_SENDERS)
async def test_a_command_of_another_site_is_refused_with_and_without_a_body(
    served: Served, headers: dict[str, str]
) -> None:
    method, path = served.command
    async with served.client() as http:
        for content, media_type in ((b"", None), (b"{}", "application/json"), (b"{}", "text/plain")):
            sent = headers | ({"Content-Type": media_type} if media_type else {})
            answer = await http.request(method, path, content=content, headers=sent)
            assert (answer.status_code, served.error(answer)[1]) == (403, 403)
        for other in ("PUT", "PATCH", "DELETE", "PROPFIND"):
            assert (await http.request(other, path, headers=headers)).status_code == 403


@pytest.mark.parametrize("headers", OWN_SENDERS)
async def test_a_command_of_a_program_or_of_a_page_of_the_service_is_taken(
    served: Served, headers: dict[str, str]
) -> None:
    method, path = served.command
    async with served.client() as http:
        # There is nothing to command, but it has been looked for: 404, or 502 behind the catalog's door.
        assert (await http.request(method, path, headers=headers)).status_code in {404, 502}


async def test_a_question_may_come_from_a_link_on_another_site(served: Served) -> None:
    async with served.client() as http:
        answer = await http.get(served.read, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 200
        assert "access-control-allow-origin" not in answer.headers
