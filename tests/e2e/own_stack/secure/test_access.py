"""`./demo up --secure`: who has a token is served as before, and nobody else gets anything from any port."""

import os
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

from demo.home import REPOSITORY
from devservers.kafka import brokers_seen
from tests.e2e.own_stack.secure.conftest import basket, client_of
from tests.support.document_commands import run
from tests.support.documents import shell_blocks
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until


async def test_orders_of_one_user_at_three_instances_are_one_list_for_that_user_alone(
    secure_stack: RunningStack,
) -> None:
    async with client_of(secure_stack, "ada") as ada, client_of(secure_stack, "bob") as bob:
        placed = [
            (await ada.post(f"{url}/orders", json=basket("ada"))).raise_for_status().json()["order_id"]
            for url in secure_stack.instances.values()
        ]

        async def confirmed() -> bool:
            answer = await ada.get(f"{secure_stack.catalog}/orders", params={"user_id": "ada"})
            states = {each["order_id"]: each["status"] for each in answer.raise_for_status().json()["items"]}
            return all(states.get(order) == "CONFIRMED" for order in placed)

        async def told() -> bool:
            # a connector of its own writes the history: what is not there yet belongs to nobody
            url = f"{secure_stack.catalog}/orders/{placed[0]}/history"
            return (await ada.get(url)).status_code == httpx.codes.OK

        await wait_until(confirmed, what="the catalog shows three confirmed orders", timeout_s=60)
        await wait_until(told, what="the catalog shows the history of the first", timeout_s=60)
        order_1 = secure_stack.instances["order-1"]
        refused = [
            await bob.get(f"{secure_stack.catalog}/orders", params={"user_id": "ada"}),
            await bob.get(f"{secure_stack.catalog}/orders"),
            await bob.get(f"{secure_stack.catalog}/orders/{placed[0]}"),
            await bob.get(f"{secure_stack.catalog}/orders/{placed[0]}/history"),
            await bob.get(f"{secure_stack.catalog}/users/ada/summary"),
            await bob.get(f"{secure_stack.catalog}/stream", params={"user_id": "ada"}),
            await bob.get(f"{secure_stack.catalog}/sync"),
            await bob.post(f"{order_1}/orders", json=basket("ada")),
            *[await bob.get(f"{order_1}/orders/{order}") for order in placed],
            *[await bob.post(f"{order_1}/orders/{order}/cancel") for order in placed],
            await ada.post(f"{order_1}/orders/{placed[0]}/ship"),
            await ada.post(f"{order_1}/products/green-tea/restock", json={"quantity": 1}),
            await ada.post(f"{order_1}/products/green-tea/price", json={"unit_price_cents": 1}),
            await ada.get(f"{order_1}/metrics"),
        ]
        assert [answer.status_code for answer in refused] == [403] * len(refused)
    async with client_of(secure_stack, "staff") as staff:
        answers = [await staff.post(f"{order_1}/orders/{order}/ship") for order in placed]
        assert [answer.status_code for answer in answers] == [200] * 3


async def test_a_plain_client_gets_nothing_from_any_port(secure_stack: RunningStack) -> None:
    services = {**secure_stack.instances, "catalog": secure_stack.catalog, "sink": secure_stack.sink_url}
    async with httpx.AsyncClient(timeout=10) as plain, client_of(secure_stack, None) as nobody:
        for url in services.values():
            with pytest.raises(httpx.HTTPError):
                await plain.get(url.replace("https://", "http://"))
        for url in services.values():
            assert (await nobody.get(f"{url}/orders")).status_code == 401
            assert (await nobody.get(f"{url}/metrics")).status_code == 401
    assert await brokers_seen(secure_stack.bootstrap) == frozenset()
    for port in secure_stack.ports.all(brokers=3, secure=True):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert b" 200 " not in connection.recv(4096)


async def test_who_signs_in_on_the_page_has_a_session_until_it_is_ended(secure_stack: RunningStack) -> None:
    url = secure_stack.catalog
    async with client_of(secure_stack, None) as browser:
        assert (await browser.get(f"{url}/session")).json() == {
            "required": True, "sign_in": "/session/new", "user": None, "staff": False,
        }  # fmt: skip
        asked = await browser.get(f"{url}/session/new")
        assert asked.status_code == 302
        login = asked.headers["location"]
        people = await browser.get(login)
        assert people.status_code == 200
        assert 'value="ada"' in people.text
        sent_back = (await browser.post(login, data={"user": "ada"})).headers["location"]
        assert sent_back.startswith(f"{url}/session/callback?")
        done = await browser.get(sent_back)
        assert (done.status_code, done.headers["location"]) == (303, "/")
        cookie = next(
            each for each in done.headers.get_list("set-cookie") if each.startswith("__Host-token=")
        )
        assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
        assert (await browser.get(f"{url}/session")).json()["user"] == "ada"
        assert (await browser.get(f"{url}/orders", params={"user_id": "ada"})).status_code == 200
        assert (await browser.get(f"{url}/orders", params={"user_id": "bob"})).status_code == 403
        placed = await browser.post(f"{url}/instances/order-1/orders", json=basket("ada"))
        assert placed.status_code == 201
        foreign = {"origin": "https://elsewhere.example"}
        assert (await browser.delete(f"{url}/session", headers=foreign)).status_code == 403
        assert (await browser.delete(f"{url}/session")).status_code == 204
        assert (await browser.get(f"{url}/orders", params={"user_id": "ada"})).status_code == 401


async def test_nobody_gets_a_session_with_another_ones_code(secure_stack: RunningStack) -> None:
    url = secure_stack.catalog
    async with client_of(secure_stack, None) as victim, client_of(secure_stack, None) as other:
        login = (await victim.get(f"{url}/session/new")).headers["location"]
        sent_back = (await victim.post(login, data={"user": "ada"})).headers["location"]
        assert (await other.get(sent_back)).status_code == 400, "it has not begun to sign in"
        await other.get(f"{url}/session/new")
        assert (await other.get(sent_back)).status_code == 400, "it has begun with another state"
        assert (await victim.get(sent_back)).status_code == 303
        again = await victim.get(sent_back)
        assert again.status_code == 400, "a code is good once"
        elsewhere = login.replace("session%2Fcallback", "elsewhere")
        assert (await victim.get(elsewhere)).status_code == 400, "nobody is sent to a place that is not known"


def test_the_walk_through_is_typed_as_without_tokens(secure_stack: RunningStack) -> None:
    secure_stack.demo("token", "ada")
    address = secure_stack.instances["order-2"].removeprefix("https://")
    said = subprocess.run(
        ["curl", "-sS", f"{address}/orders?user_id=ada"],
        env=os.environ | {"CURL_HOME": str(secure_stack.home / "client")},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"items"' in said.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("load", "--orders", "20", "--rate", "10"),
        ("audit", "--wait", "60"),
        ("kafka", "topics", "list"),
        ("rebuild",),
        ("status",),
    ],
    ids=lambda words: words[0],
)
def test_the_commands_of_the_demo_work(secure_stack: RunningStack, words: tuple[str, ...]) -> None:
    ended = secure_stack.demo(*words, timeout_s=180)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_commands_of_the_document_let_curl_in(secure_stack: RunningStack, tmp_path: Path) -> None:
    (block,) = shell_blocks(REPOSITORY / "docs" / "security.md")
    up, _, rest = block.partition("\n")
    assert up.startswith("./demo up --secure")
    said = run(secure_stack, rest, folder=tmp_path)
    assert '"status":"PENDING"' in said
    assert '"items":' in said
