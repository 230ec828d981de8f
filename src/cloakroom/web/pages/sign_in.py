"""The page on which people sign in: three static files, with nothing from outside and nothing of anybody in them.

The page asks the service with signed requests like any client. Nothing is set in the browser by the service: no
cookie, no storage.
"""

from __future__ import annotations

from importlib import resources

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "publickey-credentials-get=(self), publickey-credentials-create=(self)",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

_FILES = (
    ("/sign-in", "sign-in.html", "text/html"),
    ("/sign-in/page.js", "sign-in.js", "text/javascript"),
    ("/sign-in/page.css", "sign-in.css", "text/css"),
)


def page_routes() -> list[Route]:
    """Return the routes of the page and its two files."""
    folder = resources.files("cloakroom.web.pages")
    return [_route(path, folder.joinpath(name).read_bytes(), kind) for path, name, kind in _FILES]


def _route(path: str, content: bytes, kind: str) -> Route:
    def give(_: Request) -> Response:
        return Response(content, media_type=kind, headers=HEADERS)

    return Route(path, give, methods=["GET"])
