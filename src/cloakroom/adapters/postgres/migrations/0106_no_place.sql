-- Entries with records that no roll-up unites, to find those that opened a record without reading the whole ledger.
create index ledger_entry_no_place on ledger_entry (at)
where permitted and sealed_set is not null and (shape is null or lineage_version is null);
