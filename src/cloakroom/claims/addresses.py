"""E-mail addresses wherever they stand in texts: several in a cell, in brackets, in URLs, beside passwords.

What a cell holds as a whole is settled by `cloakroom.claims.keys`; this is for everything else. An address begins
after white space or a sign that no usual address has, and ends with its domain, whose last label is a top-level
domain or one reserved for examples (RFC 2606): ``logo@2x.png`` is none. Escapes of URLs, HTML and JSON for the sign
``@`` and for white space are undone, invisible marks are left out.

A letter that a narrow character set lost is a question mark; what follows it is no address of its own.

An address may have signs that elsewhere stand around addresses, as the apostrophe in ``o'brien@example.org``. So each
find has a long form, which goes back to the last sign that can be in no address, and a short one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import polars as pl

from cloakroom.claims.keys import email_keys, top_level_domains

_TEXT_MAX = 1 << 16
"""Characters of one text that are looked at together; longer ones are cut into pieces."""
_ADDRESS_MAX = 400
_PLACE = re.compile(r"""[\s",;<>]""")
_MARKED = r"@|%40|＠|﹫|&#(?:64|[xX]40);|&commat;|\\u0040|(?i)[\[({<]\s*at\s*[\])}>]"
_AT = r"%40|＠|﹫|&#(?:64|[xX]40);|&commat;|\\u0040|(?i:\s*[\[({<]\s*at\s*[\])}>]\s*)"
_DOT = r"(?i)\s*[\[({<]\s*(?:dot|punkt|punto|point)\s*[\])}>]\s*"
_ESCAPED = (
    r"\\[trn]|\\u00(?:0[9aAdD]|20|22|26|27|3[cCeE])|&(?:lt|gt|quot|amp|nbsp|#\d{1,4}|#x[0-9a-fA-F]{1,4});"
    r"|%(?:0[aAdD9]|2[0267BbCc]|3[aAbBcCdDeEfF])"
)
_INVISIBLE = "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
_DAMAGED = r"[\x00\x02-\x08\x0e-\x1b\x7f\x{fffd}]+[^\s,;|\x22\x27]*"
"""Bytes that no text has, and what hangs on them; some of the others keep cells apart."""
_AROUND_SIGN = r"[ \t\u00a0]*@[ \t\u00a0]*"
_SPOKEN = r"(?i)^([^\s@]+)\s+at\s+([^\s@]+(?:\s+dot\s+[^\s@]+)+)$"
_SPOKEN_DOT = r"(?i)\s+dot\s+"
_FIND = (
    "[^\\x00-\\x20\\x7f-\\xa0\u2000-\u200a\u2028\u2029\u3000\u3001\u3002\uff0c\uff1a\uff1b\uff08\uff09"
    "\"(),:;<>@\\[\\]\\\\\u00ab\u00bb\u2018-\u201f]+@[\\p{L}\\p{N}_.-]+'?"
)
_BEFORE = r"^.*[=/{}|&*`!#$^~]"
_QUOTED = r"^.*'(.+)'$"
_LITERAL = r"^[NEBX]'"
"""Beginning of a literal in SQL, whose other quote stands further off: a blank was typed behind the address."""
_PUBLIC = re.compile(r"[a-z0-9._+-]+@[a-z0-9.-]{3,}$")
_RESERVED = ("example", "test", "invalid", "localhost", "local")


def addresses_in(texts: pl.Series, *, is_column: bool = False) -> pl.DataFrame:
    """Return every address in each text: ``row``, ``key`` (its normal form) and ``long`` (that of the long form).

    Args:
        texts: Texts of any length, or nulls.
        is_column: Whether these are cells that should hold addresses: then blanks around the sign are left out, and
            ``ada at example dot org`` is read, which in free text may be an ordinary sentence.
    """
    marked = texts.str.contains(_SPOKEN if is_column else _MARKED).fill_null(value=False)
    if is_column:
        marked |= texts.str.contains(_MARKED).fill_null(value=False)
    rows = marked.arg_true()
    if rows.len() == 0:
        return pl.DataFrame(schema={"row": pl.UInt32, "key": pl.String, "long": pl.String})
    finds = pl.DataFrame({"row": rows, "text": texts.gather(rows)})
    plain = _plain(finds["text"], is_column=is_column)
    finds = finds.with_columns(plain.str.extract_all(_FIND).alias("long")).select("row", "long")
    finds = finds.explode("long").drop_nulls()
    # An apostrophe is a quote where another one follows: o'brien@example.org, but N'brien@example.org'.
    quoted = pl.coalesce(pl.col("long").str.extract(_QUOTED, 1), pl.col("long"))
    finds = finds.with_columns(quoted.str.strip_chars("._-'*`").alias("long"))
    short = finds["long"].str.replace(_BEFORE, "").str.replace(_LITERAL, "").str.strip_chars_start("._-+%")
    key, _ = email_keys(short)
    long, _ = email_keys(finds["long"])
    finds = finds.with_columns(key.alias("key"), pl.coalesce(long, key).alias("long"))
    ending = pl.col("key").str.extract(r"\.([^.@]+)$", 1)
    return finds.filter(ending.is_in(_endings()) | ending.str.starts_with("xn--")).select("row", "key", "long")


def addresses_of_text(text: bytes) -> pl.DataFrame:
    """Return ``key`` and ``long`` of every address in a text of any length: valid UTF-8, or what is left of it."""
    lines = pl.Series(text.decode("utf-8", "replace").split("\n"), dtype=pl.String)
    lines = lines.filter(lines.str.contains(_MARKED))
    if bool((lines.str.len_bytes() > _TEXT_MAX).any()):
        pieces = [piece for line in lines.to_list() for piece in _pieces(line)]
        lines = pl.Series(pieces, dtype=pl.String)
    return addresses_in(lines).select("key", "long")


def missing_addresses(found: pl.DataFrame, known: pl.Series) -> pl.Series:
    """Return the distinct addresses of a text that are not among those known, in neither of their forms.

    Args:
        found: As from `addresses_of_text`.
        known: Normal forms.
    """
    is_known = found["key"].is_in(known.implode()) | found["long"].is_in(known.implode())
    return found.filter(~is_known)["key"].unique()


def public_form(address: str) -> str | None:
    """Return what the public rule finds in a text where an address stands; None where it finds nothing.

    Args:
        address: In its normal form; see `cloakroom.claims.keys.email_keys` for the rule.
    """
    match = _PUBLIC.search(address)
    return None if match is None else match[0]


@lru_cache(maxsize=1)
def _endings() -> list[str]:
    return sorted({*top_level_domains(), *_RESERVED})


def _plain(texts: pl.Series, *, is_column: bool) -> pl.Series:
    """Return texts with their escapes undone, each only where it occurs at all."""
    for sign, pattern, plain in (
        (r"\\u0040|%40|＠|﹫|&|[\[({<]", _AT, "@"),
        (r"[\[({<]", _DOT, "."),
        (r"[\\&%]", _ESCAPED, " "),
        (_INVISIBLE, _INVISIBLE, ""),
        (_DAMAGED, _DAMAGED, " "),
    ):
        if bool(texts.str.contains(sign).any()):
            texts = texts.str.replace_all(pattern, plain)
    if is_column:
        texts = texts.str.replace_all(_AROUND_SIGN, "@")
        texts = texts.str.replace(_SPOKEN, "${1}@${2}").str.replace_all(_SPOKEN_DOT, ".")
    return texts


def _pieces(line: str) -> Iterator[str]:
    """Cut a long line where no address can go on; where none of the last signs is such a place, anywhere."""
    start = 0
    while start < len(line):
        end = min(start + _TEXT_MAX, len(line))
        if end < len(line):
            places = [match.end() for match in _PLACE.finditer(line, max(end - _ADDRESS_MAX, start), end)]
            end = places[-1] if places else end
        yield line[start:end]
        start = end
