"""`Accept`: whoever takes no JSON gets none, and nothing is done for them, as with Connect (RFC 9110, 12.5.1)."""

from fastapi import Request
from starlette.exceptions import HTTPException

NOT_ACCEPTABLE = 406
# How a client says that it takes JSON, the most specific way first. Java's HttpURLConnection sends a lone star.
RANGES = (("application/json",), ("application/*",), ("*/*", "*"))


def require_json_accepted(request: Request) -> None:
    """Raises `HTTPException` with 406 for a client that takes no JSON; one that says nothing takes everything."""
    if not accepts_json(",".join(request.headers.getlist("accept"))):
        raise HTTPException(NOT_ACCEPTABLE)


def accepts_json(written: str) -> bool:
    """Whether the value of `Accept` has JSON in it. Parameters of a type do not matter, but for its weight."""
    weights = dict(_weighed(each) for each in written.split(",") if each.strip())
    if not weights:
        return True
    said = (weights[name] for names in RANGES for name in names if name in weights)
    return next(said, 0.0) > 0


def _weighed(written: str) -> tuple[str, float]:
    media_range, *parameters = (each.strip().lower() for each in written.split(";"))
    weights = [
        value for name, _, value in (each.partition("=") for each in parameters) if name.strip() == "q"
    ]
    try:
        return media_range, float(weights[0]) if weights else 1.0
    except ValueError:
        return media_range, 1.0
