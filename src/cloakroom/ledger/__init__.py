"""The ledger: what an entry says, how it is encoded, and how the whole of it is verified."""
