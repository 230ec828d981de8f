"""The page on which people sign in, and its static files."""
