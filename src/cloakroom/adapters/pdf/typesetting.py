"""Typesetting: a template of ours and plain values in, PDF bytes out.

Templates are the ``.typ`` files beside this one. They read ``data.json`` and nothing else: no packages, no network.
The same values and the same time give the same bytes on one machine; fonts are those that Typst carries, plus what
the machine has for scripts beyond Latin, Greek and Cyrillic.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import typst

from cloakroom.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Typeset", "Typesetter"]

TEMPLATES: Final = frozenset({"filing", "register"})

# Families that hold Japanese and Korean; any of them will do. Installed by, for example, Debian's fonts-noto-cjk.
_SCRIPTS: Final = {
    "ja": (
        "Noto Serif CJK JP",
        "Noto Sans CJK JP",
        "Noto Sans JP",
        "IPAexMincho",
        "IPAGothic",
        "Hiragino Mincho ProN",
    ),
    "ko": ("Noto Serif CJK KR", "Noto Sans CJK KR", "Noto Sans KR", "NanumMyeongjo", "NanumGothic", "Malgun Gothic"),
}


@dataclass(frozen=True, slots=True)
class Typeset:
    """A document; `faithful` is False where a character has no font on this machine and is not shown."""

    pdf: bytes
    faithful: bool


class Typesetter:
    """A typesetter with the fonts of this machine."""

    def __init__(self) -> None:
        self._families = frozenset(typst.Fonts().families())

    def can_set(self, language: str) -> bool:
        """Answer whether there is a font for a language's script."""
        families = _SCRIPTS.get(language)
        return families is None or bool(self._families.intersection(families))

    def render(self, template: str, values: dict[str, Any], *, at: datetime) -> Typeset:
        """Set a document as PDF/UA, which refuses characters without a font; then as plain PDF.

        Args:
            template: ``filing`` or ``register``.
            values: Plain values that the template reads.
            at: Time that the document's metadata carry.

        Raises:
            UsageError: There is no such template.
        """
        if template not in TEMPLATES:
            raise UsageError("there is no such template")
        folder = resources.files("cloakroom.adapters.pdf")
        fonts = [family for families in _SCRIPTS.values() for family in families if family in self._families]
        files = {
            "main.typ": folder.joinpath(f"{template}.typ").read_bytes(),
            "page.typ": folder.joinpath("page.typ").read_bytes(),
            "data.json": json.dumps({**values, "fonts": fonts}, ensure_ascii=False).encode(),
        }
        try:
            return Typeset(_compile(files, at, accessible=True), faithful=True)
        except typst.TypstError:
            return Typeset(_compile(files, at, accessible=False), faithful=False)


def _compile(files: dict[str, bytes], at: datetime, *, accessible: bool) -> bytes:
    compiled = typst.compile(
        files,  # type: ignore[call-overload]  # the stub forgets that a dict of files is allowed
        format="pdf",
        timestamp=int(at.timestamp()),
        pdf_standards="ua-1" if accessible else None,
    )
    return bytes(compiled)
