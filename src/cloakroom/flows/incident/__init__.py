"""After a theft: who was affected by what the ledger has, and what a claim holds."""
