"""The report of a claim as a document of two pages."""
