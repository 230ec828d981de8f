"""Marks that show nothing: of direction, of no width, of order. Copying from chats and PDFs leaves them in cells."""

from __future__ import annotations

import re

# Unicode's format characters (Cf) of general punctuation, the soft hyphen and the Arabic letter mark. The two joiners
# U+200C and U+200D mean something between letters of some scripts: they go where no such letter is on both sides.
_MARKS = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]"
    "|[\u200c\u200d](?![^\x00-\x7f])|(?<![^\x00-\x7f])[\u200c\u200d]"
)


def without_unseen_marks(text: str) -> str:
    """Return `text` without them."""
    return text if text.isascii() else _MARKS.sub("", text)
