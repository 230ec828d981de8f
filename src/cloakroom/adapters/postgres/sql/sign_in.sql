-- name: tidy_ceremonies
delete from ceremony where expires_at < %(now)s;

-- name: open_ceremonies
select count(*), count(*) filter (where address = %(address)s) from ceremony;

-- name: begin_ceremony
insert into ceremony (id, kind, nonce, public_key, detail, verifier, address, begun_at, expires_at)
values (%(id)s, %(kind)s, %(nonce)s, %(public_key)s, %(detail)s, %(verifier)s, %(address)s, %(at)s, %(expires_at)s);

-- name: use_ceremony
-- Takes a ceremony for good. Committed before anything is verified: a second presentation finds it used.
update ceremony set used_at = %(at)s
where id = %(id)s and kind = %(kind)s and public_key = %(public_key)s and used_at is null and expires_at > %(at)s
returning nonce, detail, verifier;

-- name: ceremony
select kind, public_key, used_at, outcome, code is not null from ceremony where id = %(id)s;

-- name: wait_for_provider
update ceremony set code = %(code)s where id = %(id)s;

-- name: notify
select pg_notify(%(channel)s, '');

-- name: take_code
-- Leases the oldest code that no node redeems.
update ceremony set lease_until = %(lease_until)s
where id = (select id from ceremony where code is not null and expires_at > %(now)s
                and (lease_until is null or lease_until < %(now)s)
            order by begun_at limit 1 for update skip locked)
returning id, nonce, public_key, detail, verifier, address, code;

-- name: settle_ceremony
update ceremony set outcome = %(outcome)s, code = null where id = %(id)s and code is not null;

-- name: add_session
insert into credential (id, principal, public_key, created_at, expires_at, idle, address, signed_in_by)
values (%(id)s, %(principal)s, %(public_key)s, %(at)s, %(expires_at)s, %(idle)s, %(address)s, %(signed_in_by)s);

-- name: sessions
select id, principal, created_at, expires_at, revoked_at, last_used_at, idle, address, signed_in_by
from credential
where signed_in_by is not null and revoked_at is null and expires_at > %(now)s
  and greatest(coalesce(last_used_at, 0), created_at) + idle > %(now)s
  and (%(principal)s::text is null or principal = %(principal)s)
order by created_at desc, id;

-- name: session
select id, principal, created_at, expires_at, revoked_at, last_used_at, idle, address, signed_in_by
from credential where id = %(id)s and signed_in_by is not null;

-- name: revoke_sessions_of
update credential set revoked_at = %(at)s
where signed_in_by is not null and revoked_at is null and principal = %(principal)s
  and (%(signed_in_by)s::text is null or signed_in_by = %(signed_in_by)s)
returning id;

-- name: tidy_passkeys
delete from passkey where state = 'requested' and expires_at < %(now)s;

-- name: lock_principal
-- Requests for passkeys of one principal come one after another, so that their bound holds.
select 1 from principal where id = %(principal)s for no key update;

-- name: requested_passkeys
select count(*) from passkey where principal = %(principal)s and state = 'requested';

-- name: request_passkey
insert into passkey (id, principal, credential_id, public_key, fingerprint, asked_with, sign_count, state,
                     requested_at, expires_at)
values (%(id)s, %(principal)s, %(credential_id)s, %(public_key)s, %(fingerprint)s, %(asked_with)s, %(sign_count)s,
        'requested', %(at)s, %(expires_at)s)
on conflict do nothing;

-- name: passkey
select id, principal, credential_id, public_key, fingerprint, asked_with, sign_count, state, requested_at,
       expires_at, activated_at, revoked_at, last_used_at
from passkey where id = %(id)s;

-- name: lock_passkey
select id, principal, credential_id, public_key, fingerprint, asked_with, sign_count, state, requested_at,
       expires_at, activated_at, revoked_at, last_used_at
from passkey where id = %(id)s for update;

-- name: lock_presented_passkey
select id, principal, credential_id, public_key, fingerprint, asked_with, sign_count, state, requested_at,
       expires_at, activated_at, revoked_at, last_used_at
from passkey where credential_id = %(credential_id)s for update;

-- name: passkeys
select id, principal, credential_id, public_key, fingerprint, asked_with, sign_count, state, requested_at,
       expires_at, activated_at, revoked_at, last_used_at
from passkey
where (%(principal)s::text is null or principal = %(principal)s)
  and (state <> 'requested' or expires_at > %(now)s)
order by requested_at desc, id limit 1000;

-- name: passkey_approvals
select principal, credential from passkey_approval where passkey = %(id)s order by at, principal;

-- name: approve_passkey
insert into passkey_approval (passkey, principal, credential, at)
values (%(id)s, %(principal)s, %(credential)s, %(at)s);

-- name: activate_passkey
update passkey set state = 'active', activated_at = %(at)s where id = %(id)s;

-- name: revoke_passkey
update passkey set state = 'revoked', revoked_at = %(at)s where id = %(id)s and state <> 'revoked';

-- name: passkey_used
update passkey set sign_count = %(sign_count)s, last_used_at = %(at)s where id = %(id)s;

-- name: link_subject
insert into openid_subject (digest, provider, principal, linked_at)
values (%(digest)s, %(provider)s, %(principal)s, %(at)s) on conflict do nothing;

-- name: unlink_subjects
delete from openid_subject where principal = %(principal)s and provider = %(provider)s;

-- name: subject
select principal from openid_subject where digest = %(digest)s;
