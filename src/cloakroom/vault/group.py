"""The group that a store belongs to: brands, legal entities, shops, and values that many share without meaning.

`docs/reference/group-configuration.md` explains the file `group.toml` that this module reads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from cloakroom.canonical.countries import EEA, country_code
from cloakroom.canonical.name import fold_name
from cloakroom.canonical.phone import canonical_phone
from cloakroom.toml import Table, parse_document

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class Representative:
    """Someone named to speak for a controller where it has no seat (such as GDPR Art. 27)."""

    name: str
    country: str


@dataclass(frozen=True, slots=True)
class Controller:
    """A legal entity that decides why and how personal data is used.

    Attributes:
        country: Seat, ISO 3166-1 alpha-2.
        eea_main_establishment: Country of the main establishment in the EEA, or None: then there is no one-stop shop.
        languages: Languages in which it writes to people, first the one to fall back on.
    """

    id: str
    name: str
    country: str
    eea_main_establishment: str | None
    languages: tuple[str, ...]
    representatives: tuple[Representative, ...]


@dataclass(frozen=True, slots=True)
class Establishment:
    """A local company or branch that acts for a controller, such as a sales entity."""

    name: str
    controller: str
    country: str
    brands: tuple[str, ...]
    role: str


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand, who answers for it, and where its mapping lies (relative to the folder of `group.toml`)."""

    id: str
    label: str
    trade: str
    controller: str
    joint_controllers: tuple[str, ...]
    mapping: str


@dataclass(frozen=True, slots=True)
class Store:
    """A shop, as its code appears in the records of its brand; a web shop may have no country."""

    brand: str
    code: str
    name: str
    country: str | None
    telephone: str | None


@dataclass(frozen=True, slots=True)
class Placeholders:
    """Values that many records share without meaning; they never link two records to one person.

    Attributes:
        emails: Normal forms, or patterns with ``*`` over them.
        phones: E.164, the telephones of all stores included.
        names: Folded names of test rows.
    """

    emails: tuple[str, ...] = ()
    phones: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def is_placeholder(self, index: str, normal: str) -> bool:
        """Answer for a normal form in the index ``email`` or ``phone``; other indexes have no placeholders."""
        if index == "phone":
            return normal in self.phones
        return index == "email" and any(fnmatchcase(normal, pattern) for pattern in self.emails)

    def is_test_name(self, *parts: str | None) -> bool:
        """Answer whether the parts of a name are those of a test row."""
        return fold_name(" ".join(part for part in parts if part)) in self.names


@dataclass(frozen=True, slots=True)
class Group:
    """The whole of `group.toml`."""

    name: str
    brands: Mapping[str, Brand]
    controllers: Mapping[str, Controller]
    establishments: tuple[Establishment, ...]
    stores: Mapping[tuple[str, str], Store]
    placeholders: Placeholders = field(default_factory=Placeholders)

    def store_country(self, brand: str, code: str) -> str | None:
        """Return the country of a brand's shop, or None where the code is unknown."""
        store = self.stores.get((brand, code))
        return None if store is None else store.country

    def brands_of(self, controller: str) -> tuple[str, ...]:
        """Return the brands that a controller answers for, alone or jointly."""
        return tuple(
            brand.id
            for brand in self.brands.values()
            if brand.controller == controller or controller in brand.joint_controllers
        )


def parse_group(text: str, source: str) -> Group:
    """Read `group.toml`.

    Args:
        text: The document.
        source: File name for messages.

    Raises:
        RuleError: Anything is wrong; holds every mistake found, with its line.
    """
    root = parse_document(text, source)
    name = root.text("group")
    controllers = {item.id: item for item in (_controller(table) for table in _unique(root.tables("controllers")))}
    brands = {item.id: item for item in (_brand(table, controllers) for table in _unique(root.tables("brands")))}
    if not brands:
        root.report(None, "names no [[brands]]")
    establishments = tuple(_establishment(table, controllers, brands) for table in root.tables("establishments"))
    stores = _stores(root.tables("stores"), brands)
    placeholders = _placeholders(root.table_or_empty("placeholders"), stores.values())
    root.close()
    root.check()
    return Group(name, brands, controllers, establishments, stores, placeholders)


def _unique(tables: tuple[Table, ...]) -> tuple[Table, ...]:
    seen: set[str] = set()
    for table in tables:
        identifier = table.text("id")
        if identifier and not _IDENTIFIER.fullmatch(identifier):
            table.report("id", "must be lower-case letters, digits, - and _, beginning with a letter")
        if identifier and identifier in seen:
            table.report("id", "is used twice")
        seen.add(identifier)
    return tables


def _country(table: Table, key: str = "country") -> str:
    text = table.text(key)
    code = country_code(text)
    if text and code is None:
        table.report(key, "must be an ISO 3166-1 code of two letters")
    return code or ""


def _controller(table: Table) -> Controller:
    establishment = table.text("eea_main_establishment", default="")
    if establishment and establishment not in EEA:
        table.report("eea_main_establishment", "must be a country of the European Economic Area, or left out")
    controller = Controller(
        id=table.text("id", default=""),
        name=table.text("name"),
        country=_country(table),
        eea_main_establishment=establishment or None,
        languages=table.texts("languages"),
        representatives=tuple(_representative(item) for item in table.tables("representatives")),
    )
    table.close()
    return controller


def _representative(table: Table) -> Representative:
    representative = Representative(table.text("name"), _country(table))
    table.close()
    return representative


def _brand(table: Table, controllers: Mapping[str, Controller]) -> Brand:
    brand = Brand(
        id=table.text("id", default=""),
        label=table.text("label", default=table.text("id", default="")),
        trade=table.text("trade", default=""),
        controller=_known(table, "controller", controllers),
        joint_controllers=_all_known(table, "joint_controllers", controllers),
        mapping=table.text("mapping"),
    )
    if brand.mapping.startswith("/") or ".." in brand.mapping.split("/"):
        table.report("mapping", "must lie inside the configuration folder")
    table.close()
    return brand


def _known(table: Table, key: str, names: Collection[str]) -> str:
    name = table.text(key)
    if name and name not in names:
        table.report(key, f"names none of: {', '.join(names) or 'nothing defined'}")
    return name


def _all_known(table: Table, key: str, names: Collection[str]) -> tuple[str, ...]:
    chosen = table.texts(key)
    if not set(chosen) <= set(names):
        table.report(key, f"holds a name that is none of: {', '.join(names) or 'nothing defined'}")
    return chosen


def _establishment(table: Table, controllers: Collection[str], brands: Collection[str]) -> Establishment:
    establishment = Establishment(
        name=table.text("name"),
        controller=_known(table, "controller", controllers),
        country=_country(table),
        brands=_all_known(table, "brands", brands),
        role=table.text("role", default=""),
    )
    table.close()
    return establishment


def _stores(tables: tuple[Table, ...], brands: Collection[str]) -> dict[tuple[str, str], Store]:
    stores: dict[tuple[str, str], Store] = {}
    for table in tables:
        country = _country(table) if table.has("country") else None
        written = table.text("telephone", default="") or None
        telephone = canonical_phone(written, country)
        if written and telephone is None:
            table.report("telephone", "is no telephone number")
        code, name = table.text("code"), table.text("name", default="")
        store = Store(_known(table, "brand", brands), code, name, country, telephone)
        if (store.brand, store.code) in stores:
            table.report("code", "is used twice for this brand")
        stores[store.brand, store.code] = store
        table.close()
    return stores


def _placeholders(table: Table, stores: Iterable[Store]) -> Placeholders:
    emails = table.texts("emails")
    if not all("@" in email and email == email.lower() for email in emails):
        table.report("emails", "must be addresses or patterns in lower case, each with @")
    phones = table.texts("phones")
    if any(canonical_phone(phone, None) != phone for phone in phones):
        table.report("phones", "must be numbers in E.164 form, such as +33144000000")
    placeholders = Placeholders(
        emails=emails,
        phones=frozenset(phones) | {store.telephone for store in stores if store.telephone},
        names=frozenset(fold_name(name) for name in table.texts("names")),
    )
    table.close()
    return placeholders
