-- Register of claims. Nothing here names a person: records are a sealed set of ordinals, addresses are keyed
-- digests of a sample (HMAC-SHA-256 under the store's key for claims, first 8 bytes), the report has counts only.
create table claim (
    id            uuid primary key,
    checked_at    bigint not null,              -- microseconds since 1970-01-01T00:00:00Z
    checked_by    text not null,                -- principal
    statement     jsonb not null,               -- what the sellers say: rows, persons, date, price, actor, where seen, text
    report        jsonb not null,               -- what was found, as given by `claim check --json`
    records       bytea not null,               -- sealed set of the records it holds (proven)
    sketch_rate   bigint not null,              -- an address is in the sketch when crc32(normal form) < this number
    sketch        bytea not null,               -- sorted 8-byte keyed digests, concatenated
    emails        bigint not null               -- distinct addresses in all
);
create index claim_checked on claim (checked_at);
create table claim_link (
    claim         uuid not null references claim (id),
    earlier       uuid not null references claim (id),
    share         numeric not null,             -- of the later dump's addresses that the earlier one holds
    basis         text not null,                -- records | addresses
    primary key (claim, earlier)
);
