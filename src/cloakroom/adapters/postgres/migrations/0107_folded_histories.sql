-- Folded histories reach up to the present, in items of some seconds to some hours, and bind each other. What was folded
-- in the earlier form is folded anew from the entries.
drop table lineage_history;

create table lineage_history (
    lineage     text not null,
    version     bigint not null,                -- entries up to here are folded; lineage.folded_version names the one in force
    number      int not null,                   -- its rows, from 0
    brand       text not null,
    drawn       text[] not null,
    probes      bigint not null,
    last_at     bigint not null,                -- of the newest entry that it unites
    renewed     boolean not null,               -- whether the lifetime was started anew since
    sealed_set  bytea not null,
    primary key (lineage, version, number)
);

update lineage set folded_version = 0 where folded_version > 0;
