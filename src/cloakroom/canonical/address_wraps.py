"""Taking off what forms, mail programs and spreadsheets wrap around an e-mail address, where that is certain.

Certain is what no address can hold at that place, so that nothing of the address itself is lost: a name before an
address in brackets and comments in parentheses (RFC 5322 §3.4); `mailto:` (RFC 6068) and other words before a colon;
quotes, brackets and punctuation at the ends; marks that show nothing; blanks beside the ``@``; one address written
twice. The apostrophe in front is a spreadsheet's sign for "this is a text" (RFC 5322 would allow it; nobody has such
an address).

Everything else stays as it is: of two addresses in one cell nobody knows which is meant, and ``anna berg@b.example``
may have lost a dot or a name.
"""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import unquote

from cloakroom.canonical.unseen_marks import without_unseen_marks

_QUOTES = "'\"\u00b4\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a\u00ab\u00bb\u300c\u300d"
_FRONT = _QUOTES + " \t\r\n<([,;:\u2022\u00b7\u3000\u00a0"
_END = _QUOTES + " \t\r\n>)],;:.!\u2026\u3000\u00a0"
_PAIRS = (("`", "`"), ("{", "}"), ("|", "|"), ("*", "*"), ("_", "_"))
_ENTITY = re.compile(r"&(?:lt|gt|quot|apos|amp|nbsp|commat|period|#\d{1,5}|#x[0-9a-f]{1,4});", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"[^<>]*<([^<>@]+@[^<>@]+)>[^<>@]*")
_COMMENT = re.compile(r"\([^()@]{0,200}\)")
_FORMULA = re.compile(r'=\s*"(.*)"')
_MAILTO = re.compile(r"mailto:/{0,2}([^?]*)(?:\?.*)?", re.IGNORECASE | re.DOTALL)
_WORD = re.compile(r"[^\W\d_][\w .-]{0,19}:\s*(?=[^:]*\Z)")
_AROUND_AT = re.compile(r"([^\s@]+)\s*@\s*([^\s@]+)")
_BETWEEN = re.compile(r"[\s,;|<>]+")


def unwrapped_address(text: str) -> str:
    """Return `text` without what is wrapped around the one address in it, or as it is where there is not one."""
    bare = without_unseen_marks(text).strip()
    if ";" in bare and _ENTITY.search(bare):
        bare = html.unescape(bare).strip()
    if formula := _FORMULA.fullmatch(bare):
        bare = formula[1]
    if "(" in bare:
        bare = _COMMENT.sub(" ", bare)
    if brackets := _IN_BRACKETS.fullmatch(bare):
        bare = brackets[1]
    bare = _stripped(bare)
    if mailto := _MAILTO.fullmatch(bare):
        bare = _stripped(unquote(mailto[1]))
    elif word := _WORD.match(bare):
        bare = _stripped(bare[word.end() :])
    if around := _AROUND_AT.fullmatch(bare):
        return f"{around[1]}@{around[2]}"
    parts = {part for piece in _BETWEEN.split(bare) if (part := _stripped(piece).lower())}
    return parts.pop() if len(parts) == 1 else bare


def _stripped(text: str) -> str:
    """Take off what stands at the ends, and signs that an address could hold where they stand at both."""
    bare = text.lstrip(_FRONT).rstrip(_END)
    for first, last in _PAIRS:
        if len(bare) > 2 and bare[0] == first and bare[-1] == last:
            bare = bare[1:-1].lstrip(_FRONT).rstrip(_END)
    return unicodedata.normalize("NFC", bare) if not bare.isascii() else bare
