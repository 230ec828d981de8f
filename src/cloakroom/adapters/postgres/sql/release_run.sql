-- name: ask_for_run
-- Asks for a run; one that failed may be asked for again, one that is under way or done may not.
insert into release_run (release, requested_by, credential, address, state, requested_at)
values (%(release)s, %(requested_by)s, %(credential)s, %(address)s, 'waiting', %(at)s)
on conflict (release) do update set
    state = 'waiting', failure = null, credential = excluded.credential, address = excluded.address,
    lease_until = null, requested_at = excluded.requested_at
where release_run.state = 'failed';

-- name: run
select release, requested_by, credential, address, state, failure, attempt, size, parts
from release_run where release = %(release)s;

-- name: take_run
-- Leases the oldest run that no living node does; each lease is an attempt with parts of its own.
update release_run set state = 'running', node = %(node)s, lease_until = %(lease_until)s, attempt = attempt + 1
where release = (select release from release_run
                 where state = 'waiting' or (state = 'running' and lease_until < %(now)s)
                 order by requested_at limit 1 for update skip locked)
returning release, requested_by, credential, address, state, failure, attempt, size, parts;

-- name: keep_run
update release_run set lease_until = %(lease_until)s
where release = %(release)s and attempt = %(attempt)s and state = 'running';

-- name: drop_other_parts
delete from release_part where release = %(release)s and attempt <> %(attempt)s;

-- name: add_part
insert into release_part (release, attempt, number, data)
select release, attempt, %(number)s, %(data)s from release_run
where release = %(release)s and attempt = %(attempt)s and state = 'running';

-- name: run_done
update release_run set state = 'done', size = %(size)s, parts = %(parts)s, lease_until = null
where release = %(release)s and attempt = %(attempt)s and state = 'running';

-- name: run_failed
update release_run set state = 'failed', failure = %(failure)s, lease_until = null
where release = %(release)s and attempt = %(attempt)s and state = 'running';

-- name: part
select p.data from release_part p join release_run r on r.release = p.release and r.attempt = p.attempt
where p.release = %(release)s and p.number = %(number)s and r.state = 'done';

-- name: forget_parts
-- Files of releases whose time is up are gone.
delete from release_part p using release r where r.id = p.release and r.expires_at < %(now)s;
