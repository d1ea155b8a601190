"""Make every password of the compose stack once, each readable by the one user it is for.

Runs as a one-shot container over an empty volume. A file is named after the setting it holds, owned by the uid of the
container that reads it and closed to everybody else, so one volume serves all without anyone seeing another's secret.
"""

import json
import os
import secrets
from pathlib import Path

DIRECTORY = Path("/run/secrets")
POSTGRES = 999  # the uid of the postgres image
CATALOG, SINK, READ_OWNER, AUDITOR = 10001, 10002, 10003, 10007
ORDERS = {f"order-{number}": 10010 + number for number in (1, 2, 3, 4)}
AUDITED = ("order-1", "order-2", "order-3")  # those of docker-compose.yml


def put(name: str, text: str, *, owner: int) -> None:
    """Write one secret, readable by the user id `owner` alone; nothing that is there is followed or overwritten."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(DIRECTORY / name, flags, 0o400), "w") as file:
        os.fchmod(file.fileno(), 0o400)
        file.write(text)
        os.fchown(file.fileno(), owner, owner)


def put_peer_secret() -> None:
    """The one that the order instances share, in a file for each; none is taken from a stack that was made without."""
    files = {f"{instance}_peer_secret": reader for instance, reader in ORDERS.items()}
    if all((DIRECTORY / name).exists() for name in files):
        return
    secret = secrets.token_urlsafe(24)
    for name, reader in files.items():
        (DIRECTORY / name).unlink(missing_ok=True)
        put(name, secret, owner=reader)


def put_audit_target() -> None:
    """Where the auditor of infra/docker/observe.yml finds every side, out of the addresses that the sides have themselves."""
    if (DIRECTORY / "audit_target.json").exists():
        return

    def said(name: str) -> str:
        return (DIRECTORY / name).read_text()

    target = {
        "write_databases": {instance: said(f"{instance}_database_url") for instance in AUDITED},
        "read_dsn": said("catalog_database_url"),
        "bootstrap": "kafka-1:19092,kafka-2:19092,kafka-3:19092",
    }
    put("audit_target.json", json.dumps(target), owner=AUDITOR)


def main() -> None:
    """Make every secret, unless an earlier run has."""
    done = DIRECTORY / ".complete"
    if done.exists():
        put_peer_secret()
        put_audit_target()
        return
    for left_over in DIRECTORY.iterdir():  # an interrupted run starts over: nobody has read anything yet
        left_over.unlink()
    put("read_postgres_password", secrets.token_urlsafe(24), owner=POSTGRES)
    for role, setting, reader in (
        ("read_owner", "read_owner_url", READ_OWNER),
        ("sink_writer", "sink_database_url", SINK),
        ("catalog_reader", "catalog_database_url", CATALOG),
    ):
        password = secrets.token_urlsafe(24)
        put(f"{role}_password", password, owner=POSTGRES)
        put(setting, f"postgresql://{role}:{password}@read-db:5432/read", owner=reader)
    for instance, reader in ORDERS.items():
        password = secrets.token_urlsafe(24)
        put(f"{instance}_postgres_password", secrets.token_urlsafe(24), owner=POSTGRES)
        put(f"{instance}_password", password, owner=POSTGRES)
        put(
            f"{instance}_database_url",
            f"postgresql+asyncpg://order_service:{password}@{instance}-db:5432/orders",
            owner=reader,
        )
    put_peer_secret()
    put_audit_target()
    done.touch()


if __name__ == "__main__":
    main()
