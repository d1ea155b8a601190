"""GET / and its modules: the page, served as it lies in `web/`, allowed to load nothing from anywhere else."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

WEB = Path(str(files("catalog_service"))) / "web"

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)


def page_routes() -> APIRouter:
    """The page itself."""
    routes = APIRouter()

    @routes.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
        return FileResponse(WEB / "index.html", headers=headers)

    return routes


def page_assets() -> StaticFiles:
    """Style sheet and modules."""
    return StaticFiles(directory=WEB / "assets")
