"""What infra/docker/secure.yml needs beside the passwords: certificates, the issuer's key, access lists, tokens.

    make_keys.py                an authority, and for each part what it proves itself with, readable by its user alone
    make_keys.py allow BROKERS  give the principals their access lists
    make_keys.py token USER     print an access token, good for an hour

Runs in the image of the order service, with `tools/devservers` beside it. What is there and lasts is kept.
"""

import asyncio
import os
import secrets
import ssl
import sys
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient

from devservers.certificates import LOCAL_NAMES, Authority
from devservers.issuer import DevelopmentIssuer
from devservers.kafka_security import allow, read_access_lists

DIRECTORY = Path("/run/secrets")
ACCESS_LISTS = Path("/infra/kafka/access-lists.json")
ISSUER_URL = os.environ.get("ISSUER_URL", "")
ROLES = {"staff": ["shop:staff"]}
KAFKA, POSTGRES = 1000, 999  # the uids of the images
CATALOG, SINK, ADMINISTRATOR, STAFF, ISSUER = 10001, 10002, 10004, 10005, 10006
READERS = {
    **{f"kafka-{number}": KAFKA for number in (1, 2, 3)},
    **{f"order-{number}": 10010 + number for number in (1, 2, 3)},
    **{f"order-{number}-db": POSTGRES for number in (1, 2, 3)},
    "read-db": POSTGRES,
    "catalog": CATALOG,
    "sink": SINK,
    "administrator": ADMINISTRATOR,
    "issuer": ISSUER,
}
"""Who has a certificate, called as in the network and in the access lists, and the user that its process runs as."""
SINK_USER = "operator"


def issuer() -> DevelopmentIssuer:
    """Signs with the key in the volume."""
    return DevelopmentIssuer(url=ISSUER_URL, key_file=DIRECTORY / "issuer.jwk")


def token(user: str) -> str:
    """An access token of the user."""
    return issuer().token(user, audience="shop", roles=ROLES.get(user, ()))


def give(name: str, *, owner: int, text: str | None = None) -> None:
    """Close a file to everybody but the user `owner`; with a `text`, write it anew first."""
    file = DIRECTORY / name
    if text is not None:
        file.unlink(missing_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(text)
    file.chmod(0o400)
    os.chown(file, owner, owner, follow_symlinks=False)


def make() -> None:
    """Everything, as root."""
    authority = Authority(DIRECTORY / "authority").make()
    trusted = DIRECTORY / "ca.pem"
    trusted.write_bytes(authority.certificate.read_bytes())
    trusted.chmod(0o444)
    for name, reader in READERS.items():
        hosts = (name, *LOCAL_NAMES, *(["issuer.localhost"] if name == "issuer" else []))
        authority.issue(name, hosts=hosts, file=DIRECTORY / f"{name}.pem")
        give(f"{name}.pem", owner=reader)
    issuer().make_key()
    give("staff_token", owner=STAFF, text=token("staff"))
    give("issuer.jwk", owner=ISSUER)
    if not (DIRECTORY / "sink_users.properties").exists():
        password = secrets.token_urlsafe(24)
        give("catalog_sink_password", owner=CATALOG, text=password)
        give("deploy_sink_password", owner=STAFF, text=password)
        give("sink_users.properties", owner=SINK, text=f"{SINK_USER}={password}\n")


async def give_access(brokers: str) -> None:
    """Add the access lists, as the administrator."""
    context = ssl.create_default_context(cafile=DIRECTORY / "ca.pem")
    context.load_cert_chain(DIRECTORY / "administrator.pem")
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers, security_protocol="SSL", ssl_context=context)
    await admin.start()
    try:
        await allow(admin, read_access_lists(ACCESS_LISTS))
    finally:
        await admin.close()


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            make()
        case ["allow", brokers]:
            asyncio.run(give_access(brokers))
        case ["token", user]:
            print(token(user))  # noqa: T201 - what it is asked for
        case _:
            sys.exit(__doc__)
