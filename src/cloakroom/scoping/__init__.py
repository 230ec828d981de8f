"""Affected records and people: bounds, affected sets, and the persons behind records."""
