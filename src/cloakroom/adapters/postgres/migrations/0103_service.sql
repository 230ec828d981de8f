-- What the service keeps besides records and entries.

-- Nonces of signed requests, so that none is taken twice on any node; kept until the signature has expired.
create table request_nonce (
    credential  text not null,
    nonce       uuid not null,
    expires_at  bigint not null,            -- seconds since 1970, like the signature's own
    primary key (credential, nonce)
);
create index request_nonce_expires on request_nonce (expires_at);

-- Answers to writes, so that a repeated one is answered and not done again.
create table idempotency (
    lineage     text not null,
    key         text not null,
    request     bytea not null,             -- SHA-256 of the request
    answer      bytea not null,
    at          bigint not null,
    primary key (lineage, key)
);
create index idempotency_at on idempotency (at);

-- Approved bulk. The content that people approve is immutable; its digest stands in every approval.
create table release (
    id            text primary key,
    kind          text not null,
    requested_by  text not null,
    content       bytea not null,           -- canonical JSON of what was asked for
    digest        text not null,            -- SHA-256 of `content`, in hex
    state         text not null,            -- requested, approved, running, done
    requested_at  bigint not null,
    expires_at    bigint not null,
    sealed_set    bytea,                    -- the exact set, canaries included, fixed when it first runs
    canaries      int not null default 0,
    rows_done     bigint not null default 0,
    file_sha256   text,
    finished_at   bigint
);

create table release_approval (
    release       text not null references release (id),
    principal     text not null,
    credential    text not null,
    digest        text not null,
    at            bigint not null,
    primary key (release, principal)
);

-- Claims nonces for a batch of requests in one round trip: answers the positions whose nonce was new.
-- The commit is not waited for: whatever entry such a request leads to lies later in the write-ahead log, so that the
-- nonce of every request that had an effect is at least as durable as the effect.
create function claim_nonces(p_credential text[], p_nonce uuid[], p_expires bigint[]) returns setof int
language plpgsql as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    return query
        with claimed as (
            insert into request_nonce (credential, nonce, expires_at)
            select w.credential, w.nonce, w.expires from unnest(p_credential, p_nonce, p_expires)
                as w(credential, nonce, expires)
            order by w.credential, w.nonce
            on conflict do nothing returning credential, nonce
        )
        select w.position::int from unnest(p_credential, p_nonce) with ordinality as w(credential, nonce, position)
            join claimed c on c.credential = w.credential and c.nonce = w.nonce;
end $$;
