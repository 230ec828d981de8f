"""The store on PostgreSQL, one dialect from a laptop to a cluster."""
