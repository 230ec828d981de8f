"""The numbers that stand for names in the store: brands, fields, indexes.

Envelopes, digests and rows hold numbers. A number once given keeps its meaning for the life of a store; new brands,
fields and indexes get the next free ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cloakroom.errors import InputError, UsageError
from cloakroom.vault.blind_index import SHARED_SCOPE
from cloakroom.vault.envelope import MAX_FIELD_NUMBER, EnvelopeClass
from cloakroom.vault.fields import FieldDefinition

MAX_INDEX_NUMBER = 127
MAX_INDEX_GENERATION = 255
SHARED_INDEXES = frozenset({"email", "phone"})
"""Indexes whose values mean the same at every brand, and so may join records of one person."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Names and their numbers.

    Attributes:
        brands: Number of each brand.
        fields: Number of each field.
        indexes: Number of each index.
        definitions: What each field is.
    """

    brands: Mapping[str, int]
    fields: Mapping[str, int]
    indexes: Mapping[str, int]
    definitions: Mapping[str, FieldDefinition]

    def brand(self, name: str) -> int:
        """Return the number of a brand.

        Raises:
            InputError: There is no such brand.
        """
        try:
            return self.brands[name]
        except KeyError:
            known = ", ".join(sorted(self.brands))
            raise InputError.at("brand", f"no such brand; known: {known}") from None

    def brand_name(self, number: int) -> str:
        """Return the name of brand `number`."""
        return next(name for name, known in self.brands.items() if known == number)

    def envelope_class(self, field_name: str) -> EnvelopeClass:
        """Return the class under which a field is sealed."""
        return EnvelopeClass[self.definitions[field_name].field_class.name]

    def field_name(self, number: int) -> str:
        """Return the name of field `number`."""
        return next(name for name, known in self.fields.items() if known == number)

    def index_scope(self, index: str, brand: int) -> int:
        """Return the scope of an index: shared by all brands, or the brand's own."""
        return SHARED_SCOPE if index in SHARED_INDEXES else brand

    def index_id(self, index: str, generation: int) -> int:
        """Return the number under which digests of an index and generation of the brand's index key are stored."""
        if not 1 <= generation <= MAX_INDEX_GENERATION:
            raise UsageError("an index key has at most 255 generations")
        return self.indexes[index] * 256 + generation

    def extended(self, brands: Iterable[str], definitions: Mapping[str, FieldDefinition]) -> Catalogue:
        """Return the catalogue with numbers for names that have none yet, and the given definitions.

        Raises:
            UsageError: There are more fields or indexes than numbers.
        """
        indexes = sorted({item.index for item in definitions.values() if item.index is not None})
        grown = Catalogue(
            brands=_numbered(self.brands, sorted(brands)),
            fields=_numbered(self.fields, sorted(definitions)),
            indexes=_numbered(self.indexes, indexes),
            definitions=dict(definitions),
        )
        if len(grown.fields) > MAX_FIELD_NUMBER or len(grown.indexes) > MAX_INDEX_NUMBER:
            raise UsageError(f"a store has at most {MAX_FIELD_NUMBER} fields and {MAX_INDEX_NUMBER} indexes")
        return grown


def _numbered(known: Mapping[str, int], names: Iterable[str]) -> dict[str, int]:
    numbers = dict(known)
    following = max(numbers.values(), default=0) + 1
    for name in names:
        if name not in numbers:
            numbers[name] = following
            following += 1
    return numbers
