"""What stands in XML, as it passes: elements that open and close, and values with their names.

Nothing is resolved but the entities of the standard; the declaration, comments, definitions and processing
instructions are left out, so that nothing can be expanded. Elements that HTML never closes hold nothing. An element
whose one attribute says what its text is, as in ``<field name="email">``, is called by it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

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


class Event(NamedTuple):
    """Something that happens at the element that is open innermost.

    Attributes:
        kind: ``open``, ``close``, ``text`` or ``attribute``.
        name: That of the element or attribute, without its namespace; of a text, what its element is called.
        value: The text or the attribute's value, without white space around it; never empty.
    """

    kind: str
    name: str
    value: str = ""


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
                    self._text(text[at:end])
                at = end + len(_CLOSING[opening])
            elif match["text"]:
                self._text(html.unescape(match["text"]))
            elif match["name"] is not None and match["end"]:
                yield from self._close(match["name"].rpartition(":")[2])
            elif match["name"] is not None:
                yield from self._begin(match["name"].rpartition(":")[2], match["inside"])

    def rest(self) -> Iterator[Event]:
        """Yield the ends of elements that the text never closes."""
        while self.open:
            yield from self._close(self.open[-1].name)

    def _text(self, text: str) -> None:
        if self.open and not text.isspace():
            self.open[-1].texts.append(text)

    def _begin(self, name: str, inside: str) -> Iterator[Event]:
        if self.open and (named := self.open[-1].named):  # It holds elements: the attribute is a value of its own.
            self.open[-1].named = ""
            yield Event("attribute", "name", named)
        if len(self.open) >= _DEPTH_MAX:
            return
        self.open.append(_Element(name, f"{self.path}/{name}"))
        yield Event("open", name)
        found = _ATTRIBUTE.findall(inside)
        given = [(key.rpartition(":")[2], html.unescape(double or single)) for key, double, single in found]
        telling = [(key, value) for key, value in given if key.lower() not in _OF_TYPE]
        is_closed = inside.endswith("/") or name.lower() in _VOID
        if len(telling) == 1 and telling[0][0].lower() in _NAMING and not is_closed:
            self.open[-1].named = telling[0][1].strip()
        else:
            yield from (Event("attribute", key, value.strip()) for key, value in given if value.strip())
        if is_closed:
            yield from self._close(name)

    def _close(self, name: str) -> Iterator[Event]:
        if all(element.name != name for element in self.open):
            return
        while self.open:
            last = self.open[-1]
            if value := " ".join(last.texts).strip():
                yield Event("text", last.named or last.name, value)
            yield Event("close", last.name)
            self.open.pop()
            if last.name == name:
                return
