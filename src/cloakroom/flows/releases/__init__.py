"""Bulk that leaves: requested, approved, marked with canaries, run, taken up again after a crash."""
