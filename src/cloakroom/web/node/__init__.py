"""The processes of a node: what starts, watches and stops them, and what runs beside the core."""
