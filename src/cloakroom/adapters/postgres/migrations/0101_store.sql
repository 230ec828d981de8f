-- The store of one group. Sealed values, wrapped keys and index rows lie in separate tables, so that they can be
-- backed up with separate retention. Every large table carries its distribution column in its primary key, so that
-- the same schema runs on Citus: brand for records, lineage for entries.

create table store (
    only_row    boolean primary key default true check (only_row),
    id          uuid not null,
    group_name  text not null,
    origin      text not null,              -- name of the ledger, first line of its checkpoints
    created_at  bigint not null             -- all times: microseconds since 1970-01-01T00:00:00Z
);

create table ordinal_counter (
    only_row    boolean primary key default true check (only_row),
    next        bigint not null
);
insert into ordinal_counter (next) values (0);

create table key_ring (
    purpose     text not null,
    scope       int not null,
    detail      text not null,
    generation  int not null,
    wrapped     bytea not null,
    created_at  bigint not null,
    primary key (purpose, scope, detail, generation)
);

-- Texts of the group's configuration and policy, newest version counts; kept so that old decisions can be explained.
create table configuration (
    path        text not null,
    version     int not null,
    content     text not null,
    sha256      bytea not null,
    stored_at   bigint not null,
    primary key (path, version)
);

create table brand (
    number      smallint primary key,
    name        text not null unique
);

create table field (
    number      smallint primary key,
    name        text not null unique,
    class       smallint not null
);

create table index_kind (
    number      smallint primary key check (number between 1 and 127),
    name        text not null unique
);

-- Columns stand in the order that wastes the least on alignment. An ordinal fits 31 bits.
create table record (
    valid_from  bigint not null,            -- since when the brand's system holds these values
    ordinal     int not null,
    version     int not null,               -- counts the values this record has had
    brand       smallint not null,
    state       smallint not null,          -- 0 live, 1 deleted by the brand's system, 2 erased
    content     uuid,                       -- keyed digest of the whole row, to recognise a repetition
    contact     bytea,
    identity    bytea,
    value       bytea,
    primary key (brand, ordinal)
);

create table person_key (
    ordinal     int not null,
    brand       smallint not null,
    generation  smallint not null,          -- of the brand's key-encryption keys
    key_number  smallint not null,
    wraps       bytea not null,             -- three wrapped class keys of 32 bytes, a commitment of 24
    primary key (brand, ordinal)
);

create table envelope_version (
    valid_from  bigint not null,
    valid_to    bigint not null,            -- first moment at which these values no longer held
    ordinal     int not null,
    version     int not null,
    brand       smallint not null,
    contact     bytea,
    identity    bytea,
    value       bytea,
    primary key (brand, ordinal, version)
);

create table blind_index (
    ordinal     int not null,
    brand       smallint not null,
    index_id    smallint not null,          -- kind of value × 256 + generation of the brand's index key
    digest      uuid not null,
    current     boolean not null,           -- false: an earlier value of the record
    primary key (brand, index_id, digest, ordinal)
);

create table facet (
    brand       smallint not null,
    key         uuid not null,              -- keyed digest of name and value
    sealed      bytea not null,
    primary key (brand, key)
);

-- Changes of facets since they were last written whole, one sealed row for each batch of an import.
create table facet_change (
    brand       smallint not null,
    id          bigint generated always as identity,
    sealed      bytea not null,
    primary key (brand, id)
);

create table delivery (
    brand       smallint not null,
    sha256      bytea not null,
    name        text not null,
    rows_done   bigint not null,
    finished    boolean not null,
    counts      jsonb not null,
    started_at  bigint not null,
    finished_at bigint,
    primary key (brand, sha256)
);
create index delivery_unfinished on delivery (brand) where not finished;

-- A principal is a person or an application; everything derived from it shares the lineage of the same id.
create table principal (
    id            text primary key,
    kind          text not null,
    roles         text[] not null,
    brands        text[] not null,
    networks      text[] not null,
    valid_from    bigint not null,
    valid_until   bigint,
    created_at    bigint not null,
    token_scope   text not null             -- whose tokens it holds: its own id, or the application it works through
);

create table credential (
    id            text primary key,
    principal     text not null references principal (id),
    public_key    bytea not null,
    created_at    bigint not null,
    expires_at    bigint,
    revoked_at    bigint,
    last_used_at  bigint
);
create index credential_principal on credential (principal);
-- One key under two names would be two people to whoever asks for a second person.
create unique index credential_key on credential (public_key);

create table lineage (
    id            text primary key,
    version       bigint not null default 0,    -- counts the entries that count against its budgets
    epoch         int not null default 0,       -- counts its renewals
    epoch_version bigint not null default 0,    -- its version at the last renewal
    frozen_at     bigint,
    frozen_reason text,
    folded_version bigint not null default 0    -- its entries up to here are folded into lineage_history
);

-- What the entries of a lineage that are too old for any sliding window opened since its last renewal, united, so that
-- a node that starts need not read each of them.
create table lineage_history (
    lineage     text not null,
    brand       text not null,
    drawn       text[] not null,
    probes      bigint not null,
    sealed_set  bytea not null,
    last_at     bigint not null,                -- of the newest of them: a window that is longer one day counts it
    primary key (lineage, brand, drawn)
);

-- Which fields in which form an entry showed; few distinct ones, so entries name them by number.
create table disclosure_shape (
    id            int generated always as identity primary key,
    shape         text not null unique          -- canonical JSON: {"email":"reveal","phone":"mask"}
);

create table ledger_entry (
    id              bigint generated always as identity,
    lineage         text not null,
    lineage_version bigint,                     -- set where the entry counts against budgets
    epoch           int not null,
    at              bigint not null,
    operation       text not null,
    permitted       boolean not null,
    shape           int,
    records         int not null,
    body            bytea not null,             -- canonical JSON: the leaf of the ledger
    sealed_set      bytea,                      -- of record ordinals; `body` names its SHA-256
    leaf_index      bigint,                     -- place in the log, once integrated
    primary key (lineage, id)
);
create unique index ledger_entry_counted on ledger_entry (lineage, lineage_version) where lineage_version is not null;
create index ledger_entry_time on ledger_entry (lineage, at);
-- For the hours that a span of time cuts, over all lineages; entries come in nearly in the order of their time.
create index ledger_entry_at on ledger_entry using brin (at) with (pages_per_range = 16);
create index ledger_entry_waiting on ledger_entry (id) where leaf_index is null;
create unique index ledger_entry_leaf on ledger_entry (leaf_index) where leaf_index is not null;

create table tile (
    path        text primary key,
    data        bytea not null
);

create table checkpoint (
    size        bigint primary key,
    root        bytea not null,
    note        text not null,
    at          bigint not null
);

-- Unions of the sets of all integrated entries of one span of time, lineage, operation and shape. Spans are hours,
-- days and thirty days, each taken from the one before, so that a long time is answered from few rows.
create table rollup (
    lineage     text not null,
    length      bigint not null,                -- of the span, in microseconds
    start       bigint not null,                -- a multiple of the length since 1970
    operation   text not null,
    shape       int not null,
    sealed_set  bytea not null,
    entries     int not null,
    first_at    bigint not null,
    last_at     bigint not null,
    primary key (lineage, length, start, operation, shape)
);
create index rollup_span on rollup (length, start);
create table rollup_progress (
    only_row    boolean primary key default true check (only_row),
    leaf_index  bigint not null                 -- entries before this place in the log are rolled up
);

create table node (
    id          text primary key,
    epoch       bigint not null,
    started_at  bigint not null
);
