"""`connection.url` in either of its two spellings, as what the driver takes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from sink_connector.config.url_options import JDBC_IGNORED, LIBPQ_IGNORED, NOT_SUPPORTED

JDBC = "jdbc:"
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")

# What a sink may ask of a server: one that can be written to, or any. pgjdbc's words and libpq's, in libpq's.
SERVERS = {
    "any": "any",
    "primary": "read-write",
    "master": "read-write",
    "preferprimary": "read-write",
    "read-write": "read-write",
}

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\[\]:/@\s]*)(?::(\d{1,5}))?")
_SETTING = re.compile(r"(?:-c\s*|--)([A-Za-z_][\w.]*)=((?:\\.|\S)*)\s*", re.DOTALL)
SERVER_PARAMETERS = frozenset(
    {"statement_timeout", "lock_timeout", "search_path", "timezone", "jit", "work_mem", "role", "datestyle"}
)
MALFORMED = "this is no URL: a host in brackets or an option is malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where the target is, and how to talk to it. `dsn` holds the password and is never part of a representation.

    `settings` are parameters of the session beside `search_path`. `is_pooled` says that a pooler hands every transaction to
    another session, so that nothing may outlive one. `unknown` are options that mean nothing here.
    """

    dsn: str = field(repr=False)
    search_path: str | None = None
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    is_pooled: bool = False
    connect_timeout_s: float = 10.0
    command_timeout_s: float | None = None
    files: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(slots=True)
class _Options:
    """The options of a URL on their way into a `Connection`."""

    jdbc: bool
    dsn: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    search_path: str | None = None
    user: str = ""
    password: str = ""
    is_pooled: bool = False
    connect_timeout_s: float = 10.0
    command_timeout_s: float | None = None
    unknown: list[str] = field(default_factory=list)

    def take(self, name: str, value: str) -> None:
        """Read one option. Raises `ValueError` that names it and quotes nothing."""
        spelling = name if self.jdbc else name.lower()
        if spelling in TAKEN:
            TAKEN[spelling](self, value)
        elif spelling in NOT_SUPPORTED:
            raise ValueError(f"the option {name} is not supported: {NOT_SUPPORTED[spelling]}")
        elif spelling in JDBC_IGNORED | LIBPQ_IGNORED:
            return
        elif not self.jdbc and (spelling in SERVER_PARAMETERS or "." in spelling):
            self._setting(spelling, value)
        else:
            self.unknown.append(name)

    def _setting(self, name: str, value: str) -> None:
        if name.lower() == "search_path":
            self.search_path = value
        else:
            self.settings[name.lower()] = value

    def _ssl(self, value: str) -> None:
        if value.lower() not in {"", "true", "false"}:
            raise ValueError("the option ssl is true or false")
        self.dsn.setdefault("sslmode", "prefer" if value.lower() == "false" else "verify-full")

    def _ssl_mode(self, value: str) -> None:
        if value.lower() not in SSL_MODES:
            raise ValueError(f"the option sslmode is one of {', '.join(SSL_MODES)}")
        self.dsn["sslmode"] = value.lower()

    def _ssl_factory(self, value: str) -> None:
        if not value.endswith(("NonValidatingFactory", "LibPQFactory", "DefaultJavaSSLFactory")):
            raise ValueError("the option sslfactory is not supported")
        if value.endswith("NonValidatingFactory"):
            self.dsn["sslmode"] = "require"

    def _server_type(self, value: str) -> None:
        if value.lower() not in SERVERS:
            raise ValueError(
                "a server that can only be read is asked for (targetServerType), and a sink writes"
            )
        self.dsn["target_session_attrs"] = SERVERS[value.lower()]

    def _search_path(self, value: str) -> None:
        self.search_path = value

    def _options(self, value: str) -> None:
        place = 0
        text = value.strip()
        while place < len(text):
            match = _SETTING.match(text, place)
            if match is None:
                raise ValueError("the option options is a list of -c name=value")
            self._setting(match[1], re.sub(r"\\(.)", r"\1", match[2]))
            place = match.end()

    def _application(self, value: str) -> None:
        self.settings["application_name"] = value

    def _user(self, value: str) -> None:
        self.user = value

    def _password(self, value: str) -> None:
        self.password = value

    def _connect_timeout(self, value: str) -> None:
        seconds = _seconds(value, "connectTimeout (loginTimeout, connect_timeout)")
        if seconds > 0:
            self.connect_timeout_s = seconds

    def _socket_timeout(self, value: str) -> None:
        seconds = _seconds(value, "socketTimeout")
        self.command_timeout_s = seconds if seconds > 0 else None

    def _prepare_threshold(self, value: str) -> None:
        try:
            self.is_pooled = self.is_pooled or int(value) == 0
        except ValueError:
            raise ValueError("the option prepareThreshold is a whole number") from None

    def _query_mode(self, value: str) -> None:
        self.is_pooled = self.is_pooled or value.lower() == "simple"

    def _read_only(self, value: str) -> None:
        if value.lower() != "false":
            raise ValueError("the option readOnly is set, and a sink writes")


def _dsn_option(name: str) -> Callable[[_Options, str], None]:
    def take(options: _Options, value: str) -> None:
        options.dsn[name] = value

    return take


TAKEN: dict[str, Callable[[_Options, str], None]] = {
    "ssl": _Options._ssl,  # noqa: SLF001 - the table of its own methods
    "sslmode": _Options._ssl_mode,  # noqa: SLF001
    "sslfactory": _Options._ssl_factory,  # noqa: SLF001
    "targetServerType": _Options._server_type,  # noqa: SLF001
    "target_session_attrs": _Options._server_type,  # noqa: SLF001
    "currentSchema": _Options._search_path,  # noqa: SLF001
    "currentschema": _Options._search_path,  # noqa: SLF001 - the spelling of a libpq URL is of no case
    "options": _Options._options,  # noqa: SLF001
    "ApplicationName": _Options._application,  # noqa: SLF001
    "application_name": _Options._application,  # noqa: SLF001
    "user": _Options._user,  # noqa: SLF001
    "password": _Options._password,  # noqa: SLF001
    "connectTimeout": _Options._connect_timeout,  # noqa: SLF001
    "loginTimeout": _Options._connect_timeout,  # noqa: SLF001
    "connect_timeout": _Options._connect_timeout,  # noqa: SLF001
    "socketTimeout": _Options._socket_timeout,  # noqa: SLF001
    "prepareThreshold": _Options._prepare_threshold,  # noqa: SLF001
    "preparethreshold": _Options._prepare_threshold,  # noqa: SLF001
    "preferQueryMode": _Options._query_mode,  # noqa: SLF001
    "readOnly": _Options._read_only,  # noqa: SLF001
    "kerberosServerName": _dsn_option("krbsrvname"),
    "krbsrvname": _dsn_option("krbsrvname"),
    **{name: _dsn_option(name) for name in (*FILES, "sslpassword", "sslnegotiation")},
    **{name: _dsn_option(name) for name in ("host", "port", "dbname", "passfile", "service")},
}
LIBPQ_ONLY = frozenset(
    {"host", "port", "dbname", "passfile", "service", "application_name", "connect_timeout"}
)


def parse_connection(url: str, *, user: str = "", password: str = "") -> Connection:
    """Read `connection.url`; `user` and `password` fill in what it does not say.

    Raises:
        ValueError: It is no PostgreSQL URL, or has options that cannot be honoured. The message names options and
            the scheme and quotes no other part of the URL.
    """
    jdbc = url.startswith(JDBC)
    parts = _parts(url.removeprefix(JDBC))
    credentials, _, hosts = parts.netloc.rpartition("@")
    options = _options(parts.query, jdbc=jdbc)
    _check_hosts(hosts)
    if "," in hosts:
        options.dsn.setdefault("target_session_attrs", "read-write")
    if jdbc and not hosts:
        hosts = "localhost"
    in_url, _, password_in_url = credentials.partition(":")
    path = parts.path if parts.path.startswith("/") or not parts.path else f"/{parts.path}"
    login = _login(
        unquote(in_url) or user or options.user, unquote(password_in_url) or password or options.password
    )
    query = f"?{urlencode(options.dsn, quote_via=quote)}" if options.dsn else ""
    return Connection(
        dsn=f"postgresql://{login}{hosts}{path}{query}",
        search_path=options.search_path,
        settings=MappingProxyType(options.settings),
        is_pooled=options.is_pooled,
        connect_timeout_s=options.connect_timeout_s,
        command_timeout_s=options.command_timeout_s,
        files=tuple(options.dsn[name] for name in FILES if name in options.dsn),
        unknown=tuple(options.unknown),
    )


def _parts(url: str) -> SplitResult:
    scheme = url.partition(":")[0]
    if scheme not in {"postgresql", "postgres"}:
        said = scheme if re.fullmatch(r"[a-z][a-z0-9+]{0,20}", scheme) else "missing"
        raise ValueError(f"the scheme is {said}, it must be postgresql: or jdbc:postgresql:")
    try:
        return urlsplit(url)
    except ValueError:
        raise ValueError(MALFORMED) from None


def _options(query: str, *, jdbc: bool) -> _Options:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise ValueError(MALFORMED) from None
    options = _Options(jdbc=jdbc)
    for name, value in pairs:
        if jdbc and name in LIBPQ_ONLY:
            options.unknown.append(name)
        else:
            options.take(name, value)
    return options


def _check_hosts(hosts: str) -> None:
    for host in hosts.split(","):
        match = _HOST.fullmatch(host)
        if match is None or int(match[2] or 0) > 65_535:  # noqa: PLR2004 - the last port there is
            raise ValueError("a host or its port is malformed; a password needs %-escapes for / ? # and @")


def _login(user: str, password: str) -> str:
    """Escaped, whatever it holds: the driver takes a raw @ for the end of the password."""
    if password:
        return f"{quote(user, safe='')}:{quote(password, safe='')}@"
    return f"{quote(user, safe='')}@" if user else ""


def _seconds(value: str, name: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"the option {name} is a number of seconds") from None
