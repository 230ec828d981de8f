"""Rest of a 7z archive that is cut off, read as far as it goes.

The directory of a 7z archive stands at its end: names, sizes and the ways of compression are lost with it. The data
begins behind the first header, and the usual ways of compression can be told from their own first bytes
(7zFormat.txt; LZMA2 says at its beginning that it begins). Files of a solid archive come as one.
"""

from __future__ import annotations

import bz2
import lzma
from typing import IO

from cloakroom.claims.sources import NotReadError

_HEADER_BYTES = 32
_PIECE = 1 << 16
_SAMPLE = 512
_NEW_DATA = b"\xe0"
"""From here on a chunk of LZMA2 begins anew (xz file format, LZMA2)."""
_UNCOMPRESSED, _LZMA = b"\x01", b"\x00"
_DIRECTORY = b"\x01"
_TEXT_SIGNS = bytes({*range(0x20, 0x7F), 0x09, 0x0A, 0x0D})


def bytes_of_archive(file: IO[bytes]) -> tuple[int, int]:
    """Return how many bytes a 7z archive has, and how many it says to have."""
    length = file.seek(0, 2)
    return length, bytes_of_directory(file) + _number_at(file, 20)


def bytes_of_directory(file: IO[bytes]) -> int:
    """Return where a 7z archive says that its directory begins."""
    return _HEADER_BYTES + _number_at(file, 12)


def _number_at(file: IO[bytes], place: int) -> int:
    file.seek(place)
    return int.from_bytes(file.read(8), "little")


class PackedRest:
    """The unpacked bytes of the data of a 7z archive, as far as it goes.

    Args:
        file: The archive.
        window_bytes: Memory that the decoder may ask for.

    Raises:
        NotReadError: What it begins with is no compression that can be told.
    """

    def __init__(self, file: IO[bytes], window_bytes: int) -> None:
        self._file = file
        self._window_bytes = window_bytes
        self._end = bytes_of_directory(file)
        file.seek(_HEADER_BYTES)
        head = file.read(_SAMPLE)
        self._inner = self._decoder(head)
        self.taken = 0
        self._is_text = self._inner is None
        if self._is_text and (len(head) < _SAMPLE or head.translate(None, _TEXT_SIGNS)):
            raise NotReadError("a 7z archive that is cut off, and of which nothing can be read")

    def _decoder(self, head: bytes) -> lzma.LZMADecompressor | bz2.BZ2Decompressor | None:
        if head.startswith(b"BZh"):
            return bz2.BZ2Decompressor()
        first = head[:1]
        if first >= _NEW_DATA or first == _UNCOMPRESSED:
            filters = [{"id": lzma.FILTER_LZMA2, "dict_size": self._window_bytes}]
        elif first == _LZMA:
            filters = [{"id": lzma.FILTER_LZMA1, "dict_size": self._window_bytes, "lc": 3, "lp": 0, "pb": 2}]
        else:
            return None
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes.

        Raises:
            EOFError: The data is cut off here.
        """
        wanted = size if size > 0 else _PIECE
        while True:
            is_new = self._inner is not None and self._inner.eof
            if self._inner is not None and is_new:  # The data of the next folder of files.
                data = self._inner.unused_data or self._source(_PIECE)
                self._inner = self._decoder(data) if data[:1] >= _NEW_DATA else None
                if self._inner is None:
                    raise EOFError("ends in the middle")
            else:
                is_hungry = self._inner is None or self._inner.needs_input
                data = self._source(_PIECE if self._inner is not None else wanted) if is_hungry else b""
            piece = data if self._inner is None else self._inner.decompress(data, wanted)
            if piece and is_new and piece.startswith(_DIRECTORY):
                raise EOFError("ends in the middle")
            if piece:
                return piece
            if not data:
                raise EOFError("ends in the middle")

    def _source(self, size: int) -> bytes:
        self._file.seek(_HEADER_BYTES + self.taken)
        piece = self._file.read(max(min(size, self._end - _HEADER_BYTES - self.taken), 0))
        self.taken += len(piece)
        return piece
