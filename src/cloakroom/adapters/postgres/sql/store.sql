-- name: create_store
insert into store (id, group_name, origin, created_at)
values (%(id)s, %(group_name)s, %(origin)s, %(at)s);

-- name: store
select id, group_name, origin, created_at from store;

-- name: set_origin
update store set origin = %(origin)s;

-- name: lock_keys
-- Nobody else changes the ring until the transaction ends; reading goes on.
lock table key_ring in share row exclusive mode;

-- name: add_key
insert into key_ring (purpose, scope, detail, generation, wrapped, created_at)
values (%(purpose)s, %(scope)s, %(detail)s, %(generation)s, %(wrapped)s, %(at)s);

-- name: keys
select purpose, scope, detail, generation, wrapped from key_ring order by 1, 2, 3, 4;

-- name: replace_key
update key_ring set wrapped = %(wrapped)s
where purpose = %(purpose)s and scope = %(scope)s and detail = %(detail)s and generation = %(generation)s;

-- name: drop_key
delete from key_ring
where purpose = %(purpose)s and scope = %(scope)s and detail = %(detail)s and generation = %(generation)s;

-- name: add_configuration
insert into configuration (path, version, content, sha256, stored_at)
select %(path)s, coalesce(max(version), 0) + 1, %(content)s, %(sha256)s, %(at)s from configuration where path = %(path)s;

-- name: configuration
select distinct on (path) path, content from configuration order by path, version desc;

-- name: add_brand
insert into brand (number, name) values (%(number)s, %(name)s) on conflict (number) do nothing;

-- name: brands
select name, number from brand;

-- name: add_field
insert into field (number, name, class) values (%(number)s, %(name)s, %(class)s) on conflict (number) do nothing;

-- name: fields
select name, number from field;

-- name: add_index_kind
insert into index_kind (number, name) values (%(number)s, %(name)s) on conflict (number) do nothing;

-- name: index_kinds
select name, number from index_kind;

-- name: add_principal
insert into principal (id, kind, roles, brands, networks, valid_from, valid_until, created_at, token_scope)
values (%(id)s, %(kind)s, %(roles)s, %(brands)s, %(networks)s, %(valid_from)s, %(valid_until)s, %(at)s,
        %(token_scope)s);

-- name: add_lineage
insert into lineage (id) values (%(id)s);

-- name: principals
select p.id, p.kind, p.roles, p.brands, p.networks, p.valid_from, p.valid_until, p.token_scope,
       l.version, l.epoch, l.frozen_at, l.frozen_reason
from principal p join lineage l on l.id = p.id order by p.id;

-- name: principal
select p.id, p.kind, p.roles, p.brands, p.networks, p.valid_from, p.valid_until, p.token_scope,
       l.version, l.epoch, l.frozen_at, l.frozen_reason
from principal p join lineage l on l.id = p.id where p.id = %(id)s;

-- name: add_credential
insert into credential (id, principal, public_key, created_at, expires_at)
values (%(id)s, %(principal)s, %(public_key)s, %(at)s, %(expires_at)s);

-- name: credential
select id, principal, public_key, created_at, expires_at, revoked_at, last_used_at, idle, address, signed_in_by
from credential where id = %(id)s;

-- name: credentials_of
select id, principal, public_key, created_at, expires_at, revoked_at, last_used_at, idle, address, signed_in_by
from credential where principal = %(principal)s order by created_at, id;

-- name: credential_used
update credential set last_used_at = greatest(coalesce(last_used_at, 0), %(at)s) where id = %(id)s;

-- name: revoke_credential
update credential set revoked_at = %(at)s where id = %(id)s and revoked_at is null;

-- name: register_node
insert into node (id, epoch, started_at) values (%(id)s, 1, %(at)s)
on conflict (id) do update set epoch = node.epoch + 1, started_at = excluded.started_at returning epoch;
