"""One form for each value: canonical JSON, and normal forms of e-mail addresses, telephone numbers and names."""
