"""Use cases: each orders a few effects, through the protocols in `ports`, so that a crash anywhere is harmless."""
