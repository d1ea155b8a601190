"""GET /docs: Swagger UI from files of this installation, allowed to load nothing from anywhere else."""

from html import escape
from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
"""
_START = (
    'SwaggerUIBundle({url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null});\n'
)
_FILES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}


def docs_routes(title: str) -> APIRouter:
    """The page and its files. Swagger UI comes with the package `fastapi-offline`, of which nothing else is used."""
    routes = APIRouter(prefix="/docs", include_in_schema=False)
    files = _swagger_ui()

    @routes.get("")
    async def page() -> Response:
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
        return Response(_PAGE.format(title=escape(title)), headers=headers, media_type="text/html")

    @routes.get("/start.js")
    async def start() -> Response:
        return Response(_START, headers={"Cache-Control": "no-cache"}, media_type="text/javascript")

    def add(name: str, media_type: str) -> None:
        @routes.get(f"/{name}")
        async def file() -> FileResponse:
            return FileResponse(
                files / name, headers={"Cache-Control": "max-age=3600"}, media_type=media_type
            )

    for each in _FILES.items():
        add(*each)
    return routes


def _swagger_ui() -> Path:
    found = find_spec("fastapi_offline")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("fastapi-offline, which brings Swagger UI, is not installed")
    return Path(found.origin).parent / "static"
