"""What the check of a claim asks of the store: indexes, facets, disclosures, opened versions."""
