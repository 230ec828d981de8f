"""SQL cut into tokens: texts, numbers, names, words and signs, of either family of dialects.

In MySQL and what descends from it a backslash escapes the next sign of every text, and ``#`` begins a comment. In
the standard, which SQL Server, Oracle, SQLite and PostgreSQL follow, only ``E'…'`` has escapes.
"""

from __future__ import annotations

import re
from enum import StrEnum

_ESCAPED = r"'(?:[^'\\]++|\\.|'')*+'"
_STANDARD = r"'(?:[^']++|'')*+'"
_PIECES = r"""(?:\s++|--[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/{hash})*+(?:
    (?P<text>(?:[nN]|_[A-Za-z]\w*+\s?)?{text})
    |(?P<escaped>[eE]{escaped})
    |(?P<bytes>[xX]'[0-9a-fA-F]*+'|0[xX][0-9a-fA-F]*+(?!\w))
    |(?P<coded>[uU]&{standard})
    |(?P<chosen>[nN]?[qQ]'(?=\S))
    |(?P<dollar>\$(?:[^\W\d]\w*+)?\$)
    |(?P<quoted>"(?:[^"\\]++|{backslash}|"")*+")
    |(?P<name>`(?:[^`]++|``)*+`{bracket})
    |(?P<number>(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?(?![\w$@]|-[0-9a-fA-F]{{4}}-[0-9a-fA-F]{{4}}-)|\$\d++\.\d++
        |[0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}(?!\w))
    |(?P<word>[\w$@\#]++)
    |(?P<sign>\|\||::|(?!/\*)[-+*/%(),;=<>.\[\]{{}}?:&|!~^])
    |(?P<end>\Z))"""


def _pattern(*, has_escapes: bool, has_brackets: bool) -> re.Pattern[str]:
    return re.compile(
        _PIECES.format(
            text=_ESCAPED if has_escapes else _STANDARD,
            escaped=_ESCAPED,
            standard=_STANDARD,
            backslash=r"\\." if has_escapes else r"\\",
            hash=r"|\#[^\n]*+" if has_escapes else "",
            bracket=r"|\[(?:[^\[\]\n]|\]\])++\]" if has_brackets else "",
        ),
        re.DOTALL | re.VERBOSE,
    )


_PATTERNS = {
    (has_escapes, has_brackets): _pattern(has_escapes=has_escapes, has_brackets=has_brackets)
    for has_escapes in (False, True)
    for has_brackets in (False, True)
}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "f": "\f", "v": "\v", "Z": "\x1a"}
_ESCAPES_OF_COPY = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}
_ESCAPE = {quote: re.compile(rf"\\(.)|{quote}{quote}", re.DOTALL) for quote in "'\""}
_ESCAPE_OF_COPY = re.compile(r"\\([0-7]{1,3}|.)", re.DOTALL)
_CODE = re.compile(r"\\(?:u|\+)?([0-9a-fA-F]{4,6})")
_CLOSING = {"[": "]", "{": "}", "(": ")", "<": ">"}


class Kind(StrEnum):
    """Kinds of tokens. `UNCLOSED` is a quote or comment without end, or a sign that SQL does not know."""

    TEXT = "text"
    BYTES = "bytes"
    QUOTED = "quoted"
    NAME = "name"
    NUMBER = "number"
    WORD = "word"
    SIGN = "sign"
    END = "end"
    UNCLOSED = "unclosed"


class Tokens:
    """A place in a text, and the token there.

    Attributes:
        text: What is read.
        kind: Of the token.
        piece: The token as it stands there; of texts, names and words in double quotes what they stand for.
        start: Where the token begins.
        end: Where it ends.
    """

    __slots__ = ("_has_escapes", "_match", "_stop", "end", "kind", "piece", "start", "text")

    def __init__(self, text: str, at: int, stop: int, *, has_escapes: bool, has_brackets: bool = False) -> None:
        """Go to the first token.

        Args:
            text: What is read.
            at: Where to begin.
            stop: Place up to which it is looked at.
            has_escapes: Whether a backslash escapes.
            has_brackets: Whether brackets hold names, as in SQL Server; else they are signs.
        """
        self.text = text
        self.start = self.end = at
        self._stop = stop
        self._has_escapes = has_escapes
        self._match = _PATTERNS[has_escapes, has_brackets].match
        self.step()

    def step(self) -> None:
        """Go to the next token; at the end, and at what is unclosed, stay there."""
        match = self._match(self.text, self.end, self._stop)
        group = match.lastgroup if match else None
        if match is None or group is None:
            self.kind, self.piece = Kind.UNCLOSED, ""
            return
        self.start, self.end = match.start(group), match.end()
        self.kind, self.piece = _KINDS[group], match[group]
        if group not in _PLAIN:
            self._read(group)

    def is_sign(self, sign: str) -> bool:
        """Return whether the token is this sign."""
        return self.piece == sign and self.kind is Kind.SIGN

    def is_word(self, *words: str) -> bool:
        """Return whether the token is one of these words, given in lower case."""
        return self.kind is Kind.WORD and self.piece.lower() in words

    def takes(self, *words: str) -> bool:
        """Return whether these signs or words, in lower case, come next; if so, go behind them."""
        start, end, kind, piece = self.start, self.end, self.kind, self.piece
        for word in words:
            if self.kind not in (Kind.WORD, Kind.SIGN) or self.piece.lower() != word:
                self.start, self.end, self.kind, self.piece = start, end, kind, piece
                return False
            self.step()
        return True

    def _read(self, group: str) -> None:
        piece = self.piece
        if group in ("chosen", "dollar"):
            self._read_to_its_own_end(group)
        elif group == "name":
            self.piece = piece[1:-1].replace("``", "`") if piece[0] == "`" else piece[1:-1].replace("]]", "]")
        elif group == "quoted":
            self.piece = unescaped(piece[1:-1], '"') if self._has_escapes else piece[1:-1].replace('""', '"')
        else:
            inner = piece[piece.index("'") + 1 : -1]
            if group == "escaped" or (group == "text" and self._has_escapes):
                self.piece = unescaped(inner)
            else:
                inner = inner.replace("''", "'")
                self.piece = decoded_points(inner) if group == "coded" else inner

    def _read_to_its_own_end(self, group: str) -> None:
        """Read a text whose end its beginning names: Oracle's ``q'[…]'`` and PostgreSQL's ``$tag$…$tag$``."""
        begin = self.end
        closing = self.piece
        if group == "chosen":
            sign = self.text[begin]
            begin += 1
            closing = _CLOSING.get(sign, sign) + "'"
        found = self.text.find(closing, begin, self._stop)
        if found < 0:
            self.kind, self.piece, self.end = Kind.UNCLOSED, "", self.start
        else:
            self.piece, self.end = self.text[begin:found], found + len(closing)


_KINDS = {
    "text": Kind.TEXT, "escaped": Kind.TEXT, "coded": Kind.TEXT, "chosen": Kind.TEXT, "dollar": Kind.TEXT,
    "bytes": Kind.BYTES, "quoted": Kind.QUOTED, "name": Kind.NAME, "number": Kind.NUMBER, "word": Kind.WORD,
    "sign": Kind.SIGN, "end": Kind.END,
}  # fmt: skip
_PLAIN = frozenset({"bytes", "number", "word", "sign", "end"})


def unescaped(text: str, quote: str = "'") -> str:
    """Return what a text stands for whose backslashes escape; its own kind of quote, doubled, is one."""
    if "\\" not in text and quote not in text:
        return text
    return _ESCAPE[quote].sub(lambda found: _ESCAPES.get(found[1], found[1]) if found[1] else quote, text)


def unescaped_copy(text: str) -> str:
    """Return what a cell of a COPY block stands for."""
    return _ESCAPE_OF_COPY.sub(_sign_of_copy, text) if "\\" in text else text


def _sign_of_copy(found: re.Match[str]) -> str:
    escape = found[1]
    if escape[0] in "01234567":
        return chr(int(escape, 8))
    return _ESCAPES_OF_COPY.get(escape, escape)


def decoded_points(text: str) -> str:
    r"""Return a text with signs in place of their codes: ``\00e9``, ``\+01f600``, ``\u00e9``."""
    return _CODE.sub(_sign_of, text) if "\\" in text else text


def _sign_of(found: re.Match[str]) -> str:
    is_long = found[0][1] == "+"
    digits, rest = (found[1], "") if is_long else (found[1][:4], found[1][4:])
    code = int(digits, 16)
    return (chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd") + rest
