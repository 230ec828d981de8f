"""Principals, how people sign in, their sessions and passkeys, and what a credential could open."""
