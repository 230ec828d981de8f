-- name: hold
select pg_advisory_xact_lock(%(lock)s);

-- name: try_hold
select pg_try_advisory_xact_lock(%(lock)s);

-- name: hold_of
select pg_advisory_xact_lock(%(lock)s, %(of)s);

-- name: try_share_of
select pg_try_advisory_xact_lock_shared(%(lock)s, %(of)s);

-- name: take_of
-- Of the session, until it is given back; transactions come and go meanwhile.
select pg_advisory_lock(%(lock)s, %(of)s);

-- name: give_back_of
select pg_advisory_unlock(%(lock)s, %(of)s);

-- name: take_share_of
select pg_advisory_lock_shared(%(lock)s, %(of)s);

-- name: give_back_share_of
select pg_advisory_unlock_shared(%(lock)s, %(of)s);
