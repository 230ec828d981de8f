"""The normal form of an e-mail address: one text for everything that reaches the same mailbox by common practice.

Steps, in this order: outer white space off, what forms and mail programs wrap around an address off
(`address_wraps`), NFKC (UAX #15), lower case, domain as an IDNA A-label (RFC 5891 after the mapping of UTS #46,
non-transitional). Plus tags and dots stay, since only the provider knows what they mean.
The local part is lower-cased although RFC 5321 §2.4 leaves its case to the receiver: no large provider tells the
two apart.

No address (None): anything without exactly one unquoted ``@``, without a dotted domain, with white space, control
characters or ``?``. A question mark is what a narrow character set leaves of a letter that it cannot hold, and a
wrong address that looks like a right one would match a stranger. Quoted local parts and address literals are
refused too.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

import idna

from cloakroom.canonical.address_wraps import unwrapped_address

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_LENGTH = 320  # 64 for the local part, @, 255 for the domain: RFC 5321 §4.5.3.1

_ASCII = re.compile(
    r"(?!')[a-z0-9!#$%&'*+/=^_`{|}~.-]{1,64}@"
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_LOCAL = re.compile(r"""[^\s"(),:;<>@?\[\\\]\x00-\x1f\x7f-\x9f]{1,64}""")


def canonical_email(text: str | None) -> str | None:
    """Return the normal form of `text`, or None where it is no address.

    Args:
        text: What somebody typed, or None.
    """
    if text is None:
        return None
    folded = text.strip().lower()
    if _ASCII.fullmatch(folded) and "--" not in folded:
        return folded if len(folded) <= MAX_LENGTH and len(folded) - folded.index("@") <= 254 else None
    return _canonical_unusual(text)


def canonical_emails(texts: Iterable[str | None]) -> list[str | None]:
    """Return the normal form of each text, in order."""
    return [None if text is None else canonical_email(text) for text in texts]


def _canonical_unusual(text: str) -> str | None:
    if len(text) > 4 * MAX_LENGTH or ("@" not in unicodedata.normalize("NFKC", text) and "%40" not in text):
        return None
    text = unwrapped_address(text)
    # Lower-casing can take a text out of NFKC again, so both are applied until nothing moves.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text.strip()).lower()).lower().strip()
    local, _, domain = folded.rpartition("@")
    if not _LOCAL.fullmatch(local):
        return None
    label = _domain_label(domain)
    if label is None:
        return None
    return f"{local}@{label}" if len(local) + 1 + len(label) <= MAX_LENGTH else None


@lru_cache(maxsize=4096)
def _domain_label(domain: str) -> str | None:
    """Return the A-label form of a domain with at least two labels, or None."""
    if len(domain) > 255:
        return None
    try:
        label = idna.encode(domain, uts46=True, std3_rules=True, transitional=False).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return None
    label = label.rstrip(".")
    if "." not in label or label.rpartition(".")[2].isdigit():
        return None
    return label
