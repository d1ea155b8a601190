"""The read database: its three roles, each with a password of its own, made by `infra/postgres/read.sql`."""

from dataclasses import dataclass, field
from pathlib import Path

from demo.home import REPOSITORY
from devservers.ports import HOST
from devservers.postgres import ADMIN, PostgresInstall
from devservers.postgres_programs import binaries
from devservers.private_files import kept_password

SCRIPT = REPOSITORY / "infra" / "postgres" / "read.sql"
DATABASE = "read"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDatabase:
    """Addresses of the read database, one per role."""

    server: PostgresInstall
    owner_password: str = field(repr=False)
    sink_password: str = field(repr=False)
    catalog_password: str = field(repr=False)

    @property
    def owner_dsn(self) -> str:
        """For migrations and rebuilds."""
        return self.server.dsn(user="read_owner", password=self.owner_password, database=DATABASE)

    @property
    def sink_dsn(self) -> str:
        """For the connectors."""
        return self.server.dsn(user="sink_writer", password=self.sink_password, database=DATABASE)

    @property
    def catalog_dsn(self) -> str:
        """For queries."""
        return self.server.dsn(user="catalog_reader", password=self.catalog_password, database=DATABASE)

    @property
    def create_command(self) -> tuple[str, ...]:
        """Makes roles, database and privileges; may run again."""
        # The wheel's psql speaks no TLS; the Unix socket is behind what does.
        host = str(self.server.socket_directory) if self.server.authority else HOST
        connection = ("-h", host, "-p", str(self.server.port), "-U", ADMIN, "-d", "postgres")
        return (str(binaries() / "psql"), "--no-psqlrc", "--quiet", *connection, "-f", str(SCRIPT))

    @property
    def create_env(self) -> dict[str, str]:
        """What `create_command` needs beside the parts' environment: the passwords."""
        return {
            "PGPASSWORD": self.server.password,
            "READ_OWNER_PASSWORD": self.owner_password,
            "SINK_WRITER_PASSWORD": self.sink_password,
            "CATALOG_READER_PASSWORD": self.catalog_password,
        }


def read_database(*, server: PostgresInstall, passwords: Path) -> ReadDatabase:
    """Describe the database on `server` with the passwords kept in the folder `passwords`."""
    return ReadDatabase(
        server=server,
        owner_password=kept_password(passwords / "read_owner"),
        sink_password=kept_password(passwords / "sink_writer"),
        catalog_password=kept_password(passwords / "catalog_reader"),
    )
