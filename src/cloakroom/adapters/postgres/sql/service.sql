-- name: claim_nonces
select claim_nonces(%(credentials)s::text[], %(nonces)s::uuid[], %(expires)s::bigint[]);

-- name: presented
-- State of the credentials that a batch presents, with their principals.
select c.id, c.public_key, c.created_at, c.expires_at, c.revoked_at, c.last_used_at, c.idle, c.address,
       c.signed_in_by, p.id, p.kind, p.roles, p.brands, p.networks, p.valid_from, p.valid_until, p.token_scope,
       l.version, l.epoch, l.frozen_at, l.frozen_reason
from credential c join principal p on p.id = c.principal join lineage l on l.id = p.id
where c.id = any (%(credentials)s::text[]);

-- name: forget_nonces
delete from request_nonce where expires_at < %(before)s;

-- name: forget_sessions
-- Sessions that have long ended; entries go on naming their ids.
delete from credential
where signed_in_by is not null and least(expires_at, coalesce(revoked_at, expires_at)) < %(before)s;

-- name: used
-- Notes the last use of credentials, to the accuracy of the interval at which nodes report it.
update credential c set last_used_at = greatest(coalesce(c.last_used_at, 0), u.at)
from unnest(%(credentials)s::text[], %(at)s::bigint[]) as u(id, at) where c.id = u.id;

-- name: changes
-- Numbers that move when keys, configuration or canaries do.
select (select coalesce(sum(hashtextextended(purpose || scope || detail, generation)::numeric), 0)::text from key_ring)
           as keys,
       (select coalesce(sum(version), 0) from configuration) as configuration,
       (select coalesce(sum(canaries), 0) from release) as canaries;

-- name: answer_of
select request, answer from idempotency where lineage = %(lineage)s and key = %(key)s;

-- name: keep_answer
insert into idempotency (lineage, key, request, answer, at)
values (%(lineage)s, %(key)s, %(request)s, %(answer)s, %(at)s) on conflict do nothing;

-- name: forget_answers
delete from idempotency where at < %(before)s;

-- name: facet_changes
select brand, count(*) from facet_change group by brand;

-- name: entries_after
-- Entries in the order of the log, for feeds.
select leaf_index, body from log_entries(%(from)s, %(from)s::bigint + %(limit)s) order by leaf_index;

-- name: add_release
insert into release (id, kind, requested_by, content, digest, state, requested_at, expires_at)
values (%(id)s, %(kind)s, %(requested_by)s, %(content)s, %(digest)s, 'requested', %(at)s, %(expires_at)s);

-- name: release
select id, kind, requested_by, content, digest, state, requested_at, expires_at, sealed_set, canaries, rows_done,
       file_sha256, finished_at
from release where id = %(id)s;

-- name: run_entry
-- The counted entry with the exact set of a release; it was appended in the transaction that fixed the set.
select body, sealed_set
from ledger_entry
where lineage = %(lineage)s and at >= %(since)s and operation = 'release' and lineage_version is not null
  and convert_from(body, 'UTF8')::json -> 'detail' ->> 'release' = %(release)s
order by lineage_version desc limit 1;

-- name: lock_release
select id, kind, requested_by, content, digest, state, requested_at, expires_at, sealed_set, canaries, rows_done,
       file_sha256, finished_at
from release where id = %(id)s for update;

-- name: releases
select id, kind, requested_by, content, digest, state, requested_at, expires_at, sealed_set, canaries, rows_done,
       file_sha256, finished_at
from release order by requested_at desc, id limit %(limit)s;

-- name: approvals
select principal, credential, digest, at from release_approval where release = %(id)s order by at, principal;

-- name: add_approval
insert into release_approval (release, principal, credential, digest, at)
values (%(id)s, %(principal)s, %(credential)s, %(digest)s, %(at)s);

-- name: release_approved
update release set state = 'approved', expires_at = %(expires_at)s where id = %(id)s;

-- name: release_begun
update release set state = 'running', sealed_set = %(sealed)s, canaries = %(canaries)s where id = %(id)s;

-- name: release_progress
update release set rows_done = %(rows_done)s where id = %(id)s;

-- name: release_done
update release set state = 'done', rows_done = %(rows_done)s, file_sha256 = %(sha256)s, finished_at = %(at)s
where id = %(id)s and state = 'running';
