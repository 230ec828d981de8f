"""Commands over the ledger."""
