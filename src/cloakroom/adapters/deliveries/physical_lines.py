"""Physical lines of a text file in any encoding, in blocks, with what could not be decoded marked in its place.

Bytes that are no text of the encoding become `UNDECODABLE`, a lone surrogate, which no decoded text can hold; a line
longer than the limit becomes `OVERLONG`. So whoever parses the lines can refuse exactly the rows that are concerned,
and the count of lines stays that of the file.
"""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING

from cloakroom.adapters.deliveries.code_page_lines import CodePageDecoder, is_code_page
from cloakroom.adapters.deliveries.undecodable import HANDLER, UNDECODABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cloakroom.adapters.deliveries.batches import Limits
    from cloakroom.adapters.deliveries.containers import DeliveryFile

OVERLONG = "\udcfe"

_CHUNK = 4 * 1024 * 1024
LINE_ENDS = {"lf": "\n", "crlf": "\n", "cr": "\r"}


def read_line_blocks(
    file: DeliveryFile,
    encoding: str,
    line_end: str,
    limits: Limits,
    *,
    lines_in_block: int,
    is_stated: bool = True,
    is_mixed: bool = False,
) -> Iterator[tuple[list[str], bool]]:
    """Yield blocks of lines, each line with its end, and whether the block holds a mark.

    Args:
        file: Positioned at the beginning.
        encoding: Name of a codec.
        line_end: ``lf``, ``crlf`` or ``cr``.
        limits: For the length of a line.
        lines_in_block: About how many lines a block holds.
        is_stated: The encoding is named by the mapping, not guessed.
        is_mixed: Lines of UTF-8 were seen in a file of another encoding.
    """
    newline = LINE_ENDS[line_end]
    decoder: codecs.IncrementalDecoder | CodePageDecoder = codecs.getincrementaldecoder(encoding)(HANDLER)
    if is_code_page(encoding):
        decoder = CodePageDecoder(encoding, newline, is_stated=is_stated, is_mixed=is_mixed)
    pending: list[str] = []
    rest, is_skipping, is_first = "", False, True
    while True:
        data = file.read(_CHUNK)
        text = decoder.decode(data, final=not data)
        if is_first and text:
            text, is_first = text.removeprefix("\ufeff"), False
        lines = _split(rest + text, newline)
        rest = lines.pop() if lines and data and not lines[-1].endswith(newline) else ""
        if is_skipping and lines:
            lines[0], is_skipping = OVERLONG + newline, False
        if len(rest) > limits.line_chars:
            rest, is_skipping = "", True
        elif is_skipping and not lines:
            rest = ""
        pending += lines
        while len(pending) >= lines_in_block:
            yield _checked(pending[:lines_in_block], limits)
            del pending[:lines_in_block]
        if not data:
            if is_skipping:
                pending.append(OVERLONG)
            if pending:
                yield _checked(pending, limits)
            return


def _split(text: str, newline: str) -> list[str]:
    if newline == "\n":
        return list(io.StringIO(text, newline=newline))
    # `StringIO` would turn line feeds, which are signs like others here, into line ends.
    *whole, last = text.split(newline)
    return [f"{line}{newline}" for line in whole] + ([last] if last else [])


def _checked(lines: list[str], limits: Limits) -> tuple[list[str], bool]:
    if max(map(len, lines)) > limits.line_chars:
        lines = [OVERLONG + "\n" if len(line) > limits.line_chars else line for line in lines]
    joined = "".join(lines)
    return lines, not joined.isascii() and (UNDECODABLE in joined or OVERLONG in joined)
