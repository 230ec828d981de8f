"""Commands over releases."""
