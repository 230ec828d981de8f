"""Fields that a record may hold: their kind, class, index and legal data element.

The names below have a meaning for the whole product; a brand may declare further fields in its mapping. One name has
one definition in the whole group, since budgets, policies and duties speak of fields by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cloakroom.vocabulary import FieldClass


class FieldKind(StrEnum):
    """The kind of a field: how its text is read."""

    IDENTIFIER = "identifier"
    TEXT = "text"
    EMAIL = "email"
    PHONE = "phone"
    DATE = "date"
    TIMESTAMP = "timestamp"
    DECIMAL = "decimal"
    COUNTRY = "country"
    SUBDIVISION = "subdivision"
    LANGUAGE = "language"
    CHOICE = "choice"
    STORE = "store"


INDEXABLE_KINDS = frozenset([FieldKind.IDENTIFIER, FieldKind.TEXT, FieldKind.EMAIL, FieldKind.PHONE])
"""Kinds with enough different values that an index over them does not show a distribution."""

CHOICES: dict[str, frozenset[str]] = {"kind": frozenset(["customer", "recipient", "employee"])}
"""Choice fields whose words the product itself relies on."""


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """One field.

    Attributes:
        name: Lower case, digits and underscores, beginning with a letter.
        kind: How its text is read.
        field_class: Which key and budget it belongs to.
        index: Name of the blind index that its normal form enters, or None. Fields may share one index.
        data_element: What the law calls it: one of `DATA_ELEMENTS`.
    """

    name: str
    kind: FieldKind
    field_class: FieldClass
    index: str | None
    data_element: str

    @property
    def indexed(self) -> bool:
        """Answer whether values of this field can be looked up."""
        return self.index is not None


def _define(name: str, kind: str, field_class: str, element: str, *, index: str | None = None) -> FieldDefinition:
    return FieldDefinition(name, FieldKind(kind), FieldClass(field_class), index, element)


WELL_KNOWN_FIELDS: dict[str, FieldDefinition] = {
    field.name: field
    for field in (
        _define("customer_number", "identifier", "identity", "customer_number", index="customer_number"),
        _define("name", "text", "contact", "name"),
        _define("given_name", "text", "contact", "name"),
        _define("family_name", "text", "contact", "name"),
        _define("email", "email", "contact", "email", index="email"),
        _define("phone", "phone", "contact", "phone", index="phone"),
        _define("mobile", "phone", "contact", "phone", index="phone"),
        _define("street", "text", "contact", "postal_address"),
        _define("city", "text", "contact", "postal_address"),
        _define("region", "subdivision", "contact", "postal_address"),
        _define("postcode", "text", "contact", "postal_address"),
        _define("country", "country", "contact", "postal_address"),
        _define("birth_date", "date", "identity", "birth_date"),
        _define("gender", "choice", "identity", "gender"),
        _define("language", "language", "identity", "language"),
        _define("nationality", "country", "identity", "other"),
        _define("kind", "choice", "identity", "other"),
        _define("store", "store", "identity", "preferences"),
        _define("created_at", "timestamp", "identity", "other"),
        _define("preferences", "text", "identity", "preferences"),
        _define("notes", "text", "identity", "other"),
        _define("spend_total", "decimal", "value", "spend_total"),
        _define("purchases", "text", "value", "purchase_history"),
    )
}
"""Fields that every brand may use without declaring them."""
