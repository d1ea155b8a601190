"""Nothing that was made to be secret is told by anything a stack tells."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil

from tests.e2e.own_stack.secure.conftest import client_of, place_order
from tests.support.stack import RunningStack

TOKEN = "eyJ"  # noqa: S105 - how every token begins: {" in base64
PRIVATE_KEY = re.compile(r"-----BEGIN PRIVATE KEY-----\n(.+?)\n-----END", re.DOTALL)
OF_SERVICES = ("/metrics", "/health/ready", "/sync", "/openapi.json")
OF_SINK = (
    "/",
    "/metrics",
    "/connectors?expand=info&expand=status",
    "/connectors/orders/config",
    "/connectors/orders/offsets",
    "/admin/loggers",
)


def secrets_of(stack: RunningStack) -> dict[str, str]:
    """Everything secret that was made for this stack, by the file that it is in."""
    folder = stack.home / "secrets"
    found = {file.name: file.read_text().strip() for file in folder.iterdir() if file.is_file()}
    found["issuer.jwk"] = json.loads(found["issuer.jwk"])["d"]
    for name in [name for name in found if name.endswith(".properties")]:
        del found[name]  # made of the others
    for file in (folder / "tls").iterdir():
        if key := PRIVATE_KEY.search(file.read_text()):
            found[f"tls/{file.name}"] = key[1].splitlines()[1]
    return found


def found_in(text: str, secrets: dict[str, str]) -> list[str]:
    return [name for name, secret in secrets.items() if secret in text]


def processes() -> str:
    return "\n".join(" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"]))


def logs_of(stack: RunningStack) -> Iterator[tuple[Path, str]]:
    for file in (stack.home / "logs").rglob("*"):
        if file.is_file():
            yield file, file.read_text(errors="replace")


async def refused_everywhere(stack: RunningStack, wrong: str) -> None:
    """Whatever is refused is logged by somebody: here with what was sent."""
    async with client_of(stack, None) as nobody:
        forged = {"authorization": f"Bearer {stack.token('ada')}x"}
        for url in (*stack.instances.values(), stack.catalog):
            assert (await nobody.get(f"{url}/orders?user_id=ada", headers=forged)).status_code == 401
            for path in ("orders", "stream"):
                asked = {"user_id": "ada", "access_token": stack.token("ada")}
                assert (await nobody.get(f"{url}/{path}", params=asked)).status_code == 401
        login = httpx.BasicAuth("operator", wrong)
        assert (await nobody.get(f"{stack.sink_url}/connectors", auth=login)).status_code == 401


async def test_no_log_holds_a_secret_a_token_or_a_refused_password(secure_stack: RunningStack) -> None:
    wrong = "a-password-that-is-none"
    await place_order(secure_stack, "ada")
    await refused_everywhere(secure_stack, wrong)
    secrets = secrets_of(secure_stack) | {"a refused one": wrong, "a token": TOKEN}
    assert len(secrets) > 20
    logs = dict(logs_of(secure_stack))
    assert {f"{name}.log" for name in ("order-1", "catalog", "sink", "kafka-1")} <= {f.name for f in logs}
    told = {file.name: found for file, text in logs.items() if (found := found_in(text, secrets))}
    assert told == {}
    assert not any("ScramCredential" in text for text in logs.values())


async def test_no_answer_of_a_part_holds_a_secret(secure_stack: RunningStack) -> None:
    secrets = secrets_of(secure_stack)
    asked = [
        *((url, path) for url in secure_stack.instances.values() for path in OF_SERVICES if path != "/sync"),
        *((secure_stack.catalog, path) for path in OF_SERVICES),
    ]
    async with client_of(secure_stack, "staff") as staff:
        answers = {url + path: await staff.get(url + path) for url, path in asked}
    async with client_of(secure_stack, None) as operator:
        operator.auth = httpx.BasicAuth("operator", secrets["sink_operator"])
        answers |= {path: await operator.get(f"{secure_stack.sink_url}{path}") for path in OF_SINK}
    # Readiness is said with 503 where a part waits for another one, which a busy machine brings about.
    failed = {where: answer.status_code for where, answer in answers.items() if answer.is_error}
    assert {where for where in failed if not where.endswith("/health/ready")} == set()
    assert {
        where: found for where, answer in answers.items() if (found := found_in(answer.text, secrets))
    } == {}


async def test_no_list_of_processes_and_no_command_shows_a_secret(secure_stack: RunningStack) -> None:
    secrets = secrets_of(secure_stack) | {"a token": TOKEN}
    seen = {processes()}
    for words in (("status",), ("doctor",), ("kafka", "topics", "list"), ("load", "--orders", "5")):
        running = asyncio.create_task(asyncio.to_thread(secure_stack.demo, *words))
        while not running.done():
            seen.add(await asyncio.to_thread(processes))
            await asyncio.wait({running}, timeout=0.1)
        ended = await running
        assert ended.stdout, ended.stderr
        assert found_in(ended.stdout + ended.stderr, secrets) == [], words
    assert any("kafka.Kafka" in each for each in seen)
    assert {name for each in seen for name in found_in(each, secrets)} == set()
