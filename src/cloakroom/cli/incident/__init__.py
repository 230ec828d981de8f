"""Commands for the time after a theft: affected, claims, severity, duties, filings, the register."""
