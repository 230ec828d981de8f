"""Commands over principals, sessions and passkeys."""
