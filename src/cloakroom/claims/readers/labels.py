"""Labels and values in a line: ``Name: Ada``, ``• **Email**: ada@example.org``, ``📱 +49…``, ``a=x; b=y z``."""

from __future__ import annotations

import re
import unicodedata

_SIGNS = {
    "👤": "name", "🧑": "name", "👨": "name", "👩": "name", "🙍": "name", "📧": "email", "✉": "email", "📩": "email",
    "📨": "email", "📬": "email", "📱": "phone", "☎": "phone", "📞": "phone", "📲": "phone", "🏠": "address",
    "🏡": "address", "📍": "address", "🏘": "address", "🎂": "birth date", "🆔": "id", "🌍": "country",
    "🌎": "country", "🌏": "country", "🏙": "city", "🌆": "city", "📮": "postal code", "🔑": "password",
    "🔒": "password", "🏢": "company", "🌐": "web site",
}  # fmt: skip
_PICTURES = "\U0001f300"
_DECORATION = re.compile(r"(?:[^\w\"'(+@<\[]|_)*+")
_PAIR = re.compile(
    r"""(?P<label>[^\W\d_][^:：=|│\t@<>"{}]{0,48}?)              # a label is short, and begins with a letter
    \s*+\.*+\s*+(?P<sign>:|：|=>|->|→|=|\t|\|(?=\s|$)|│)         # dots or blanks may stand before its sign
    (?!//)\s*+(?P<value>.*)""",
    re.VERBOSE | re.DOTALL,
)
_KEY = re.compile(r"(?:^|(?<=[\s,;|&]))([^\W\d]\w{0,40})=")
_BETWEEN = (" | ", " ; ", "; ", ", ", "|", ";", "\t", " • ", " · ", " / ", " - ")
_COLUMNS = "|│\t"
_NOTHING = frozenset({"null", "<null>", "[null]", "(null)", "none", "n/a", "nil", "~"})
_LINK = re.compile(r"\[([^\]\n]{1,400})\]\((?:mailto|tel|https?):[^)\s]{1,800}\)$")
_WORDS_MAX = 5
LINE_MAX = 1 << 16


def pairs_of(line: str) -> list[tuple[str, str]]:
    """Return the labels of a line and their values; none where it does not begin with one.

    Decoration before a label is left out; where it is a picture and no label follows, the picture is the label.
    """
    line = line[:LINE_MAX].strip()
    end = _end_of_decoration(line)
    decoration, text = line[:end], line[end:]
    if "**" in line or "`" in line or "__" in line:
        text = text.replace("**", "").replace("__", "").replace("`", "")
    if (keyed := _keyed(text)) is not None:
        return keyed
    if (one := _labelled(text)) is not None:
        return _several(text) or [one]
    pictures = [sign for sign in decoration if sign in _SIGNS or sign >= _PICTURES]
    if not text or not pictures:
        return []
    return [(_SIGNS.get(pictures[0]) or unicodedata.name(pictures[0], "picture").lower(), _value(text))]


def plain_value(value: str) -> str:
    """Return what a value says: nothing for the words that mean it, what is shown for a link."""
    if (link := _LINK.match(value)) is not None:
        value = link[1]
    return "" if value.lower() in _NOTHING else value


def _keyed(text: str) -> list[tuple[str, str]] | None:
    """Return pairs of ``key=value``, whose values end where the next key begins."""
    found = list(_KEY.finditer(text))
    if not found or found[0].start() != 0:
        return None
    ends = [*(match.start() for match in found[1:]), len(text)]
    is_alone = len(found) == 1
    values = (text[match.end() : end].strip() for match, end in zip(found, ends, strict=True))
    return [
        (match[1], _value(value if is_alone else value.rstrip(",;|& \t")))
        for match, value in zip(found, values, strict=True)
    ]


def _several(text: str) -> list[tuple[str, str]]:
    """Return the pairs of a line that holds several of them between the same signs; none where it does not."""
    for between in _BETWEEN:
        if between not in text:
            continue
        pairs: list[tuple[str, list[str]]] = []
        for piece in text.split(between):
            pair = _labelled(piece[_end_of_decoration(piece) :])
            if pair is not None:
                pairs.append((pair[0], [pair[1]]))
            elif pairs:
                pairs[-1][1].append(piece.strip())
        if len(pairs) > 1:
            return [(name, between.join(parts)) for name, parts in pairs]
    return []


def _end_of_decoration(text: str) -> int:
    match = _DECORATION.match(text)
    return match.end() if match is not None else 0


def _labelled(text: str) -> tuple[str, str] | None:
    match = _PAIR.match(text)
    if match is None or (match["sign"] in _COLUMNS and match["sign"] in match["value"]):
        return None  # A row of a table, rather.
    label = " ".join(_bare(match["label"]).split())
    if not label or len(label.split()) > _WORDS_MAX:
        return None
    return label, _value(match["value"])


def _bare(label: str) -> str:
    """Return a label without the signs behind it."""
    end = len(label)
    while end and not label[end - 1].isalnum() and unicodedata.category(label[end - 1]) != "Pe":
        end -= 1
    return label[:end]


def _value(text: str) -> str:
    value = text.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return value
