"""The OpenAPI document, and a page to read and try it that asks nothing of the internet."""

import base64
import hashlib
import re
from typing import Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from service.api_description import describe
from service.guarded_route import GuardedRoute

ASSETS: Final = "/docs/assets"

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)


@router.get("/openapi.json", operation_id="openapi")
async def openapi(request: Request) -> Response:
    """Give the OpenAPI document."""
    return JSONResponse(describe(request.app))


@router.get("/docs", operation_id="docs")
async def docs() -> Response:
    """Give the page; its addresses are relative, so that it works behind a proxy that adds a prefix."""
    assets = ASSETS.removeprefix("/")
    page = get_swagger_ui_html(
        title="faqmatch",
        openapi_url="openapi.json",
        swagger_js_url=f"{assets}/swagger-ui-bundle.js",
        swagger_css_url=f"{assets}/swagger-ui.css",
        swagger_favicon_url=f"{assets}/favicon.png",
        swagger_ui_parameters={"validatorUrl": None},  # else the page sends the document to a public checker
    )
    page.headers["Content-Security-Policy"] = _page_policy(bytes(page.body).decode())
    return page


def mount_assets(app: FastAPI) -> None:
    """Serve the scripts and styles of the page from the package that carries them."""
    app.mount(ASSETS, StaticFiles(packages=[("fastapi_offline", "static")]))


def _page_policy(page: str) -> str:
    """Allow the page's own scripts and styles, and of inline scripts only the one it has."""
    [script] = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
    )
