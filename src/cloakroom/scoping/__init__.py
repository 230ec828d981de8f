"""Who was affected: disclosures, bounds, affected sets and the persons behind records."""
