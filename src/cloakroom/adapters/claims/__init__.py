"""The ports of a claim's check, answered from the store: indexes, facets, disclosures, opened versions."""
