"""Duties: whom to tell, by when, with what. Values in, values out; nothing here is legal advice."""
