"""Files that somebody cut into parts: which files are parts of one, in which order, and what is missing.

Parts are told by their names: ``a.zip.001``, ``a.7z.001``, ``a.z01`` with ``a.zip``, ``a.part1.rar``, ``a.r00`` with
``a.rar``, ``a.gz.aa`` and ``a.gz.part-aa``, as 7-Zip, zip, WinRAR and ``split`` name them. Those of rar archives are
not joined, since these are not read.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cloakroom.adapters.decompression import HEAD_BYTES, container_kind
from cloakroom.adapters.evidence.zip_members import number_of_last_part

_NUMBERED = re.compile(r"(?P<base>.+)\.(?P<number>\d{3})$")
_COUNTED = re.compile(r"(?P<base>.+)\.part[-_]?(?P<number>\d{1,4})$", re.IGNORECASE)
_LETTERED = re.compile(r"(?P<base>.+?)(?:[._-]?part)?[._-](?P<letters>[a-z]{2})$|(?P<x>x)(?P<more>[a-z]{2})$")
_SEGMENT = re.compile(r"(?P<base>.+)\.z(?P<number>\d{2,4})$", re.IGNORECASE)
_VOLUME = re.compile(r"(?P<base>.+)\.(?:part(?P<part>\d{1,4})\.rar|r(?P<number>\d{2,3}))$", re.IGNORECASE)
_PACKED = re.compile(r"\.(?:zip|7z|rar|tar|t?gz|bz2|xz|zst|tbz2?|txz)$", re.IGNORECASE)
_LAST = 1 << 30
_MISSING_SHOWN = 3


@dataclass(frozen=True, slots=True)
class PartName:
    """Meaning of the name of a part: the file that it is of, how parts are named, and its number from 0 on."""

    base: str
    style: str
    number: int


@dataclass(frozen=True, slots=True)
class PartSet:
    """Parts of one file.

    Attributes:
        name: Of the whole, for people.
        paths: Those that follow on one another from the first on; none where they cannot be joined.
        problem: What is missing of them, or why they are not joined; None where they are whole.
    """

    name: str
    paths: tuple[Path, ...]
    problem: str | None

    def opened(self) -> IO[bytes]:
        """Return the parts as one file."""
        return io.BufferedReader(JoinedFile(self.paths), 1 << 16)


def part_name(name: str) -> PartName | None:
    """Return what a file's name says of it as a part; None where it is none."""
    if found := _VOLUME.fullmatch(name):
        return PartName(found["base"], "rar", int(found["part"] or found["number"]))
    for style, pattern in (("segment", _SEGMENT), ("numbered", _NUMBERED), ("counted", _COUNTED)):
        if found := pattern.fullmatch(name):
            return PartName(found["base"], style, int(found["number"]))
    if name.lower().endswith(".zip"):
        return PartName(name[:-4], "segment", _LAST)
    if found := _LETTERED.fullmatch(name):
        letters = found["letters"] or found["more"]
        return PartName(found["base"] or found["x"], "lettered", 26 * (ord(letters[0]) - 97) + ord(letters[1]) - 97)
    return None


def gathered(files: Sequence[Path]) -> Iterator[tuple[Path, Path | PartSet]]:
    """Yield every file, or in place of the first part the set of parts that it belongs to.

    Args:
        files: In the order in which they are to be read.
    """
    groups: dict[tuple[Path, str, str], list[tuple[int, Path]]] = {}
    for file in files:
        if not file.is_symlink() and (part := part_name(file.name)) is not None:
            groups.setdefault((file.parent, part.style, part.base), []).append((part.number, file))
    sets: dict[Path, PartSet | None] = {}
    for (_, style, base), parts in groups.items():
        if (made := _set_of(style, base, sorted(parts))) is not None:
            sets.update({path: made for _, path in parts})
    told: set[int] = set()
    for file in files:
        made = sets.get(file)
        if made is None:
            yield file, file
        elif id(made) not in told:
            told.add(id(made))
            yield file, made


def siblings(file: Path) -> Iterable[Path]:
    """Return the files beside one that are parts of the same, the file itself among them."""
    part = part_name(file.name)
    if part is None or file.is_symlink() or not file.is_file():
        return (file,)
    alike = (path for path in file.parent.iterdir() if path.name.startswith(part.base))
    found = (path for path in alike if path.is_file() and not path.is_symlink())
    beside = ((other, path) for path in found if (other := part_name(path.name)) is not None)
    return sorted({file, *(path for other, path in beside if (other.base, other.style) == (part.base, part.style))})


def _set_of(style: str, base: str, parts: list[tuple[int, Path]]) -> PartSet | None:
    """Return the set that files of one base make; None where they are no parts."""
    if style == "rar" and not _is_whole_by_itself(parts[0][1]):
        return None
    if style == "rar":
        return PartSet(base, (), f"{len(parts)} parts of a split rar archive, which is not read")
    if style == "segment":
        return _segments(base, parts)
    numbers = [number for number, _ in parts]
    first = 0 if style == "lettered" or numbers[0] == 0 else 1
    if numbers[0] != first:
        is_known = style != "lettered" and _PACKED.search(base)
        return PartSet(base, (), f"a part of a split file; {_missing(numbers, first)}") if is_known else None
    if len(parts) == 1 or _is_whole_by_itself(parts[1][1]):
        return None
    return _joined(base, parts, first)


def _segments(base: str, parts: list[tuple[int, Path]]) -> PartSet | None:
    """Return the set of the segments of a zip, of which the last one is named like the whole."""
    name = f"{base}.zip"
    last = parts[-1][1] if parts[-1][0] == _LAST else None
    before = parts[:-1] if last is not None else parts
    count = 0
    if last is not None:
        with last.open("rb") as file:
            count = number_of_last_part(file)
        if not count and not before:
            return None
    numbers = [number for number, _ in before]
    missing = [number for number in range(1, max(count, *numbers, 0) + 1) if number not in numbers]
    if missing[:1] == [1]:
        return PartSet(name, (), f"a split zip; {_missing(numbers, 1, count)}")
    if missing or last is None:
        made = _joined(name, before, 1)
        gap = f"{_missing(numbers, 1, count)}" if missing else "its last part, which holds the directory, is missing"
        return PartSet(name, made.paths, f"a split zip; {gap}")
    return PartSet(name, (*(path for _, path in before), last), None)


def _joined(name: str, parts: list[tuple[int, Path]], first: int) -> PartSet:
    paths = [path for place, (number, path) in enumerate(parts) if number == first + place]
    is_whole = len(paths) == len(parts)
    problem = None if is_whole else f"a split file; {_missing([number for number, _ in parts], first)}"
    return PartSet(name, tuple(paths), problem)


def _missing(numbers: list[int], first: int, last: int = 0) -> str:
    wanted = range(first, max(last, *numbers, first) + 1)
    missing = [str(number) for number in wanted if number not in set(numbers)]
    more = f" and {len(missing) - _MISSING_SHOWN} more" if len(missing) > _MISSING_SHOWN else ""
    return f"missing: part {', '.join(missing[:_MISSING_SHOWN])}{more}"


def _is_whole_by_itself(path: Path) -> bool:
    with path.open("rb") as file:
        return container_kind(file.read(HEAD_BYTES)) is not None


class JoinedFile(io.RawIOBase):
    """Parts read as one file, from anywhere; one part is open at a time."""

    def __init__(self, parts: Sequence[Path]) -> None:
        """Take the parts in their order."""
        super().__init__()
        self._parts = parts
        self._starts = [0]
        for part in parts:
            self._starts.append(self._starts[-1] + part.stat().st_size)
        self._at = 0
        self._open: tuple[int, IO[bytes]] | None = None

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it can be read from anywhere."""
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place, counted from the beginning, from here or from the end."""
        self._at = max(offset + (0, self._at, self._starts[-1])[whence], 0)
        return self._at

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Read what fits, within one part."""
        view = memoryview(buffer)
        number = next((n for n, end in enumerate(self._starts[1:]) if self._at < end), None)
        if number is None:
            return 0
        file = self._part(number)
        file.seek(self._at - self._starts[number])
        piece = file.read(min(len(view), self._starts[number + 1] - self._at))
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def close(self) -> None:
        """Close the part that is open."""
        if self._open is not None:
            self._open[1].close()
            self._open = None
        super().close()

    def _part(self, number: int) -> IO[bytes]:
        if self._open is None or self._open[0] != number:
            if self._open is not None:
                self._open[1].close()
            self._open = (number, self._parts[number].open("rb"))
        return self._open[1]
