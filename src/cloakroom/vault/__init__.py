"""The vault: what a record may hold, what columns mean, how values are sealed, found again and destroyed."""
