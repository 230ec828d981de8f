"""Commands over customers' records."""
