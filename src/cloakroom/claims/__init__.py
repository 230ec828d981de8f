"""Claims: what is really in an alleged dump, whose it is, from which day, and through whose hands it went."""
