-- People at the service: sign-ins under way, passkeys, subjects of OpenID providers; and runs of releases for them.

-- A session is a credential that a sign-in enrolled: short, gone when idle, tied to an address where told.
alter table credential
    add column idle         bigint,         -- lapses after so many microseconds without use; null: the bound of all
    add column address      text,           -- the one address it serves, or local; null: wherever the policy allows
    add column signed_in_by text;           -- passkey:<id> or oidc:<provider>; null: a key enrolled for good
create index credential_session on credential (principal) where signed_in_by is not null;

-- A passkey is asked for by whoever holds it and becomes active by the word of others, or of an active one of his.
create table passkey (
    id              text primary key,
    principal       text not null references principal (id),
    credential_id   bytea not null unique,  -- as the authenticator names it
    public_key      bytea not null,         -- COSE
    fingerprint     text not null,          -- SHA-256 of both, in hex: what approvals are of
    asked_with      bytea not null,         -- key that signed the request; a session's own where somebody adds one
    sign_count      bigint not null,
    state           text not null,          -- requested, active, revoked
    requested_at    bigint not null,
    expires_at      bigint not null,        -- of the request; an active one does not expire
    activated_at    bigint,
    revoked_at      bigint,
    last_used_at    bigint
);
create index passkey_principal on passkey (principal);
create index passkey_requested on passkey (expires_at) where state = 'requested';

create table passkey_approval (
    passkey         text not null references passkey (id) on delete cascade,
    principal       text not null,
    credential      text not null,
    at              bigint not null,
    primary key (passkey, principal)
);

-- Who a subject of an OpenID provider is here. The digest is over issuer and subject, which may be somebody's name.
create table openid_subject (
    digest          bytea primary key,
    provider        text not null,
    principal       text not null references principal (id),
    linked_at       bigint not null
);

-- Sign-ins and enrolments under way, so that any node can finish what another began. Each serves once.
create table ceremony (
    id              text primary key,
    kind            text not null,
    nonce           bytea not null,
    public_key      bytea not null,         -- of the session to be
    detail          text not null,          -- principal or provider
    verifier        text not null,          -- PKCE (RFC 7636); empty where there is none
    address         text not null,
    begun_at        bigint not null,
    expires_at      bigint not null,
    used_at         bigint,
    code            text,                   -- of the provider, until a node has redeemed it
    lease_until     bigint,                 -- a node redeems it until then
    outcome         text                    -- id of the credential, or the reason of the refusal after a !
);
create index ceremony_expires on ceremony (expires_at);
create index ceremony_code on ceremony (begun_at) where code is not null;

-- Runs of releases that a node does for a person. What a run wrote lies in parts; only those of the attempt that the
-- run names as finished are given out.
create table release_run (
    release         text primary key references release (id),
    requested_by    text not null,
    credential      text not null,
    address         text,                   -- null: the machine itself
    state           text not null,          -- waiting, running, done, failed
    failure         text,                   -- stable code
    attempt         int not null default 0,
    node            text,
    lease_until     bigint,
    requested_at    bigint not null,
    size            bigint not null default 0,
    parts           int not null default 0
);
create index release_run_open on release_run (requested_at) where state in ('waiting', 'running');

create table release_part (
    release         text not null references release_run (release) on delete cascade,
    attempt         int not null,
    number          int not null,
    data            bytea not null,         -- encrypted to the recipient's key
    primary key (release, attempt, number)
);
