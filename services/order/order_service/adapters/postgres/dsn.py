"""How a PostgreSQL database is addressed."""


def postgres_dsn(url: str) -> str:
    """The URL as libpq writes it: `postgresql://…?sslmode=…`, whatever driver it was written for."""
    scheme, _, rest = url.partition("://")
    if not scheme.startswith("postgres"):
        raise ValueError(f"{scheme} is no database of this service: sqlite or postgresql")
    address, _, query = rest.partition("?")
    options = [
        "sslmode=" + part.removeprefix("ssl=") if part.startswith("ssl=") else part
        for part in query.split("&")
    ]
    return f"postgresql://{address}" + (f"?{'&'.join(options)}" if query else "")
