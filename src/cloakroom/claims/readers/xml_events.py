"""Content of XML, as it passes: elements that open and close, and values with their names.

Nothing is resolved but the entities of the standard; the declaration, comments, definitions and processing
instructions are left out, so that nothing can be expanded. Elements that HTML never closes hold nothing. An element
whose one attribute says what its text is, as in ``<field name="email">``, is called by it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"(?P<open><!--|<!\[CDATA\[)|<[?!][^<>]*>|<(?P<end>/)?(?P<name>[^\W\d][\w:.-]*)(?P<inside>[^<>]*)>"
    r"|(?P<text>[^<]+)|<"
)
_CLOSING = {"<!--": "-->", "<![CDATA[": "]]>"}
_ATTRIBUTE = re.compile(r"""([\w:.-]{1,80})\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""")
_NAMING = frozenset({"name", "key", "field", "column"})
_OF_TYPE = frozenset({"type", "nil", "null", "xsi", "space"})
_VOID = frozenset({"br", "hr", "img", "input", "meta"})
_DEPTH_MAX = 64


Event = tuple[str, str, str]
"""Something that happens at the element that is open innermost: its kind (``open``, ``close``, ``text`` or
``attribute``); the name of the element or attribute without its namespace, of a text what its element is called; the
text or the attribute's value without white space around it, never empty."""


@dataclass(slots=True)
class _Element:
    name: str
    path: str
    texts: list[str] = field(default_factory=list)
    named: str = ""


@dataclass(slots=True)
class Elements:
    """The elements that are open, outermost first."""

    open: list[_Element] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Return the names of the open elements, each after a ``/``."""
        return self.open[-1].path if self.open else ""

    def events(self, text: str) -> Iterator[Event]:
        """Yield what happens in a text that ends between two tags; the open elements are as after each event."""
        at = 0
        missing: set[str] = set()
        while (match := _TOKEN.search(text, at)) is not None:
            at = match.end()
            if opening := match["open"]:
                end = -1 if opening in missing else text.find(_CLOSING[opening], at)
                if end < 0:
                    missing.add(opening)  # Looked for once: hostile texts open many.
                    continue
                if opening != "<!--":
                    self._text(text[at:end].replace("&", "&amp;"))
                at = end + len(_CLOSING[opening])
            elif match["text"]:
                self._text(match["text"])
            elif (name := match["name"]) is not None:
                name = name.rpartition(":")[2] if ":" in name else name
                yield from self._close(name) if match["end"] else self._begin(name, match["inside"])

    def rest(self) -> Iterator[Event]:
        """Yield the ends of elements that the text never closes."""
        while self.open:
            yield from self._close(self.open[-1].name)

    def _text(self, text: str) -> None:
        if self.open and not text.isspace():
            self.open[-1].texts.append(html.unescape(text) if "&" in text else text)

    def _begin(self, name: str, inside: str) -> Iterator[Event]:
        if self.open and (named := self.open[-1].named):  # It holds elements: the attribute is a value of its own.
            self.open[-1].named = ""
            yield "attribute", "name", named
        if len(self.open) >= _DEPTH_MAX:
            return
        self.open.append(_Element(name, f"{self.path}/{name}"))
        yield "open", name, ""
        is_closed = inside.endswith("/") or name in _VOID
        if "=" in inside:
            yield from self._attributes(inside, may_name=not is_closed)
        if is_closed:
            yield from self._close(name)

    def _attributes(self, inside: str, *, may_name: bool) -> Iterator[Event]:
        found = _ATTRIBUTE.findall(inside)
        given = [(key.rpartition(":")[2], html.unescape(double or single).strip()) for key, double, single in found]
        telling = [(key, value) for key, value in given if key.lower() not in _OF_TYPE]
        if may_name and len(telling) == 1 and telling[0][0].lower() in _NAMING:
            self.open[-1].named = telling[0][1]
        else:
            yield from (("attribute", key, value) for key, value in given if value)

    def _close(self, name: str) -> Iterator[Event]:
        if self.open and self.open[-1].name != name and all(element.name != name for element in self.open):
            return
        while self.open:
            last = self.open[-1]
            if last.texts and (value := " ".join(last.texts).strip()):
                yield "text", last.named or last.name, value
            yield "close", last.name, ""
            self.open.pop()
            if last.name == name:
                return
