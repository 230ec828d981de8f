"""The ledger for those who read it: static files, the feed, access reports."""
