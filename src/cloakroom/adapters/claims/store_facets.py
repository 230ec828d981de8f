"""Records by brand and by country, and the canaries, from the sealed facets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyroaring import BitMap

from cloakroom.adapters.postgres.facet_store import FacetStore
from cloakroom.flows.store.configuration import Configuration
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.facets import CANARY, RECORD

_COUNTRY = "country"
_REGIONS_MAX = 30


class StoreFacets:
    """The answers that facets give, no record opened; a `flows.check_claim.CountrySplit` among other things."""

    def __init__(self, catalogue: Catalogue, facets: FacetStore) -> None:
        """Take the numbers of brands, and the facets."""
        self._brands = dict(sorted(catalogue.brands.items()))
        self._facets = facets

    def canaries(self) -> dict[str, BitMap]:
        """Return the canaries by what they belong to: the id of a release, or a population."""
        return self._united(CANARY)

    def brand_records(self) -> dict[str, BitMap]:
        """Return all records of each brand, canaries left out."""
        canaries = BitMap.union(BitMap(), *self.canaries().values())
        return {
            name: BitMap.union(BitMap(), *self._facets.values_of(number, RECORD).values()) - canaries
            for name, number in self._brands.items()
        }

    def by_country(self, records: BitMap) -> Mapping[str, int]:
        """Return the number of records by country, most first."""
        counts = {country: len(ordinals & records) for country, ordinals in self._united(_COUNTRY).items()}
        filled = [(country, count) for country, count in counts.items() if count]
        return dict(sorted(filled, key=lambda item: (-item[1], item[0])))

    def _united(self, facet: str) -> dict[str, BitMap]:
        found: dict[str, BitMap] = {}
        for number in self._brands.values():
            for value, ordinals in self._facets.values_of(number, facet).items():
                found[value] = found.get(value, BitMap()) | ordinals
        return found


def telephone_regions(configuration: Configuration, customers: Mapping[str, int]) -> Sequence[str]:
    """Return the countries of which national telephone numbers may be.

    Args:
        configuration: Knows the shops' countries and the mappings' default countries.
        customers: Number of customers by country, most first.
    """
    countries = [mapping.defaults.get(_COUNTRY) for mapping in configuration.mappings.values()]
    countries += [shop.country for shop in configuration.group.stores.values()]
    return list(dict.fromkeys([*filter(None, countries), *list(customers)[:_REGIONS_MAX]]))
