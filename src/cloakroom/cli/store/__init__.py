"""Commands over the store itself."""
