"""`connection.url` in either of its two spellings, as what the driver takes."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

JDBC = "jdbc:"

# Options of the JDBC driver that libpq spells otherwise; those in neither table have no meaning here and are left out.
FROM_JDBC = {
    "ssl": "sslmode",
    "sslmode": "sslmode",
    "sslrootcert": "sslrootcert",
    "sslcert": "sslcert",
    "sslkey": "sslkey",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where the target is. `dsn` holds the password and is never part of a representation."""

    dsn: str = field(repr=False)
    search_path: str | None = None


def parse_connection(url: str, *, user: str = "", password: str = "") -> Connection:
    """Read `connection.url`; `user` and `password` fill in what it does not say.

    Raises `ValueError` when it is no PostgreSQL URL; the message never holds a part of the URL but its scheme.
    """
    jdbc = url.startswith(JDBC)
    parts = urlsplit(url.removeprefix(JDBC))
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError(
            f"the scheme is {parts.scheme or 'missing'}, it must be postgresql: or jdbc:postgresql:"
        )
    options = dict(parse_qsl(parts.query))
    user = options.pop("user", "") if jdbc and not user else user
    password = options.pop("password", "") if jdbc and not password else password
    search_path = options.pop("currentSchema", None)
    if jdbc:
        options = {
            FROM_JDBC[key]: _jdbc_option(key, value) for key, value in options.items() if key in FROM_JDBC
        }
    user = parts.username or quote(user, safe="")
    password = parts.password or quote(password, safe="")
    host = parts.netloc.rpartition("@")[2]
    credentials = f"{user}:{password}@" if password else f"{user}@" if user else ""
    dsn = urlunsplit(("postgresql", credentials + host, parts.path, urlencode(options), ""))
    return Connection(dsn=dsn, search_path=search_path)


def _jdbc_option(key: str, value: str) -> str:
    if key == "ssl":
        return "verify-full" if value in {"", "true"} else "prefer"
    return value
