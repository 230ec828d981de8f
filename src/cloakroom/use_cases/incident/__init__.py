"""After a theft: who was affected, which persons, what a claim holds, duties, severity, filings, the register."""
