"""The page on which people sign in: three static files, with nothing from outside and nothing of anybody in them.

The page asks the service with signed requests like any client. Nothing is set in the browser by the service: no
cookie, no storage.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from cloakroom.web.api.problems import Answer

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
    ("/sign-in", "sign-in.html", b"text/html; charset=utf-8"),
    ("/sign-in/page.js", "sign-in.js", b"text/javascript; charset=utf-8"),
    ("/sign-in/page.css", "sign-in.css", b"text/css; charset=utf-8"),
)


def page_answers() -> Mapping[str, Answer]:
    """Return the page and its two files, by path."""
    folder = resources.files("cloakroom.web.pages")
    return {path: Answer(200, folder.joinpath(name).read_bytes(), kind, HEADERS) for path, name, kind in _FILES}
