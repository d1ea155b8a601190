"""Certificates and passwords are renewed while orders are placed: no part restarts for it, and nothing is lost."""

import asyncio
import secrets
import signal
import ssl
import subprocess
from collections import Counter
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from auditor.journal import read_journal
from demo.home import Home
from demo.security import StackSecurity
from devservers.jars import Jars
from devservers.kafka_security import MECHANISM
from devservers.private_files import write_private
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until

RATE = 14
BACK_S = 150


def security_of(stack: RunningStack) -> StackSecurity:
    return StackSecurity.of(home=Home(stack.home), ports=stack.ports)


def presented(stack: RunningStack, url: str) -> str:
    """The certificate that a new connection to a part is shown, and verifies."""
    address = urlsplit(url)
    assert address.port
    cafile = stack.addresses["cafile"]
    return ssl.get_server_certificate((address.hostname or "", address.port), ca_certs=cafile, timeout=10)


async def renew_certificates(stack: RunningStack) -> None:
    """New keys and certificates for all that speaks https; until they are presented."""
    authority = security_of(stack).authority
    parts = {**stack.instances, "catalog": stack.catalog, "sink": stack.sink_url}
    before = {name: await asyncio.to_thread(presented, stack, url) for name, url in parts.items()}
    for name in parts:
        authority.issue(name, file=authority.directory / "renewed.pem").replace(authority.issue(name))

    async def renewed() -> bool:
        now = {name: await asyncio.to_thread(presented, stack, url) for name, url in parts.items()}
        return not before.items() & now.items()

    await wait_until(renewed, what="every part presents its new certificate", every_s=0.5)


async def change_password(stack: RunningStack, principal: str, *, folder: Path) -> None:
    """The brokers take another password from now on, which is in the part's file then."""
    security, password = security_of(stack), secrets.token_urlsafe(24)
    changes = folder / f"{principal}.properties"  # a password has no place on a command line
    write_private(changes, f"{MECHANISM}=iterations=4096,password={password}\n")
    words = (
        *("--bootstrap-server", stack.bootstrap, "--command-config", str(security.java_client_file())),
        *("--alter", "--entity-type", "users", "--entity-name", principal, "--add-config-file", str(changes)),
    )
    tool = (str(Jars.java()), "-Xmx128m", "-cp", Jars.resolve(), "org.apache.kafka.tools.ConfigCommand")
    ended = await asyncio.to_thread(
        subprocess.run, [*tool, *words], capture_output=True, text=True, check=False, timeout=120
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    changes.unlink()
    write_private(stack.home / "secrets" / f"kafka_{principal}", f"{password}\n")


async def is_refused(stack: RunningStack, principal: str, security: StackSecurity) -> bool:
    """Whether no broker takes the password that `security` has of the principal."""
    client = AIOKafkaClient(bootstrap_servers=stack.bootstrap, **security.kafka.client(principal))
    try:
        await client.bootstrap()
    except KafkaError:
        return True
    finally:
        await client.close()
    return False


async def restart_broker(stack: RunningStack, name: str) -> None:
    """Every connection to it is made anew."""
    before = stack.signal(name, signal.SIGKILL)

    def is_back() -> bool:
        part = stack.status()["parts"][name]
        return part["state"] == "ready" and part["pid"] not in (None, before)

    await wait_until(is_back, what=f"{name} is back", timeout_s=BACK_S, every_s=0.5)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_what_is_secret_is_rotated_under_load_and_the_audit_is_clean(
    secure_stack: RunningStack, tmp_path: Path
) -> None:
    stack, journal = secure_stack, tmp_path / "journal"
    deaths, before = stack.deaths(), security_of(stack)
    load = ("load", "--orders", "100000", "--rate", str(RATE), "--seed", "17", "--journal", str(journal))
    with stack.spawned(*load) as loading:
        await wait_until(journal.exists, what="the load begins", timeout_s=60)
        await renew_certificates(stack)
        for principal in ("order-1", "catalog"):
            assert not await is_refused(stack, principal, before)
            await change_password(stack, principal, folder=tmp_path)
            await wait_until(
                partial(is_refused, stack, principal, before), what="the old password is refused"
            )
            assert not await is_refused(stack, principal, security_of(stack))
        for broker in ("kafka-1", "kafka-2"):
            await restart_broker(stack, broker)
        assert loading.poll() is None, "all of it happened under load"
        loading.send_signal(signal.SIGINT)
        said, complained = await asyncio.to_thread(loading.communicate, timeout=120)
    assert "load: interrupted after" in complained, said + complained
    assert sum(1 for _ in read_journal(journal)) > RATE * 10
    audit = await asyncio.to_thread(stack.demo, "audit", "--wait", "60", "--journal", str(journal))
    assert audit.returncode == 0, audit.stdout + audit.stderr
    assert stack.deaths() - deaths == Counter({"kafka-1": 1, "kafka-2": 1})
    await wait_until(stack.is_ready, what="every part is ready", timeout_s=60, every_s=0.5)
