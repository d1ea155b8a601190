"""GET /guide: the pages that `./demo docs` built, served as they lie in their folder."""

from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from catalog_service.http.problems import ProblemError

# Nothing from elsewhere and nothing written into a page: the builder puts scripts and styles into files of their own.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_ASSETS = "_static/"
_REMEDY = "`./demo docs` builds the guide"


def guide_routes() -> APIRouter:
    """The address without its slash, from which the pages' relative links would lead elsewhere."""
    routes = APIRouter()

    @routes.get("/guide", include_in_schema=False)
    async def guide() -> RedirectResponse:
        return RedirectResponse("/guide/")

    return routes


class GuidePages(StaticFiles):
    """The pages in `folder`, which may be built, rebuilt or removed at any time; None: there are none.

    Pages are asked for anew each time (and mostly not sent again), what they load may be kept for an hour.
    """

    def __init__(self, folder: Path | None) -> None:
        """Nothing is read before a request comes."""
        super().__init__(directory=folder, html=True, check_dir=False)
        self._start = folder / "index.html" if folder else None

    async def check_config(self) -> None:
        """Accept a folder that is not there yet."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """One file; raises ProblemError when no guide was built."""
        if self._start is None:
            raise _missing(f"no folder is set for it (CATALOG_GUIDE); {_REMEDY}")
        if not self._start.is_file():
            raise _missing(f"the guide was not built; {_REMEDY}")
        answer = await super().get_response(path, scope)
        answer.headers["Content-Security-Policy"] = POLICY
        answer.headers["Cache-Control"] = "max-age=3600" if path.startswith(_ASSETS) else "no-cache"
        return answer


def _missing(detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.NOT_FOUND, "guide-not-built", detail)
