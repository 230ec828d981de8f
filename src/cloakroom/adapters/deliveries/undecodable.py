"""The mark in the place of bytes that are no text, and the error handler that sets it.

A lone surrogate, which no decoded text can hold: so whoever parses the lines can refuse exactly the rows that are
concerned.
"""

from __future__ import annotations

import codecs

UNDECODABLE = "\udcff"
HANDLER = "cloakroom-undecodable"


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNDECODABLE, error.end


codecs.register_error(HANDLER, _mark)
