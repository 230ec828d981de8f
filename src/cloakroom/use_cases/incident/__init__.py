"""After a theft: who was affected, which persons, what a claim holds, facts for duties."""
