"""Invents records that look like those around them and belong to nobody. Pure; randomness comes in.

A canary is put together from several records of the same audience: a given name here, a family name there, a place
from a third, so that each value is as common as in the rest and no combination is anybody's. Its e-mail address is
new, under a domain whose mail the group receives; it has no telephone number, since every number may ring somewhere.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Mapping, Sequence

_PLACE = frozenset({"street", "city", "region", "postcode", "country", "language"})
_NEVER = frozenset({"phone", "mobile", "notes", "purchases"})
_DIGIT = re.compile(r"\d")
_NOT_A_LETTER = re.compile(r"[^a-z]")


def invent_record(
    templates: Sequence[Mapping[str, str]], email_domain: str, chance: random.Random
) -> tuple[str, dict[str, str]]:
    """Return a record id and values by field.

    Args:
        templates: Values of some records of the audience, `customer_number` among them; at least one.
        email_domain: Domain of the e-mail address.
        chance: Randomness; not a secret, but nobody else's either.
    """
    place, identity, other = (chance.choice(templates) for _ in range(3))
    given, family = chance.choice(templates), chance.choice(templates)
    fields: dict[str, str] = {}
    for name in {*place, *identity, *other}:
        if name in _NEVER or name == "customer_number":
            continue
        source = place if name in _PLACE else identity if chance.random() < 0.5 else other
        if name in source:
            fields[name] = source[name]
    for name, source in (("given_name", given), ("family_name", family)):
        if name in source:
            fields[name] = source[name]
    if "name" in given and "name" in family:
        fields["name"] = f"{given['name'].split(' ')[0]} {family['name'].split(' ')[-1]}"
    if "street" in fields:
        fields["street"] = _DIGIT.sub(lambda _: str(chance.randint(1, 9)), fields["street"])
    if any("email" in template for template in templates):
        fields["email"] = f"{_mailbox(fields, chance)}@{email_domain}"
    number = chance.choice(templates).get("customer_number", "000000000")
    return _DIGIT.sub(lambda _: str(chance.randint(0, 9)), number), dict(sorted(fields.items()))


def _mailbox(fields: Mapping[str, str], chance: random.Random) -> str:
    words = [fields[name] for name in ("given_name", "family_name") if name in fields] or fields.get(
        "name", ""
    ).split(" ")
    plain = [_NOT_A_LETTER.sub("", unicodedata.normalize("NFKD", word).lower())[:20] for word in words]
    stem = chance.choice(["", ".", "_"]).join(word for word in plain[:2] if word) or "mail"
    return f"{stem}{chance.randint(10, 9999)}"
