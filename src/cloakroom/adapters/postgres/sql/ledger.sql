-- name: append
-- One round trip for a whole batch; see migration 0109.
select lineage, status, version, epoch from append_entries(
    %(lineage)s::text[], %(version)s::bigint[], %(added)s::int[],
    %(e_lineage)s::text[], %(e_place)s::int[], %(e_version)s::bigint[], %(e_at)s::bigint[], %(e_operation)s::text[],
    %(e_permitted)s::boolean[], %(e_shape)s::int[], %(e_records)s::int[], %(e_body)s::bytea[], %(e_set)s::bytea[], %(tolerance)s::bigint);

-- name: lineage_state
select id, version, epoch, epoch_version, frozen_at, frozen_reason from lineage where id = any (%(ids)s);

-- name: lock_lineages
select id from lineage where id = any (%(ids)s) order by id for no key update;

-- name: counted_since
-- Counted entries of a lineage after a version, oldest first.
select e.lineage_version, e.at, e.operation, e.body, e.sealed_set
from ledger_entry e
where e.lineage = %(lineage)s and e.lineage_version > %(version)s
order by e.lineage_version
limit %(most)s;

-- name: shape_id
with existing as (select id from disclosure_shape where shape = %(shape)s),
     added as (insert into disclosure_shape (shape) select %(shape)s where not exists (select 1 from existing)
               on conflict (shape) do nothing returning id)
select id from existing union all select id from added;

-- name: refusals
-- The newest refusals of a lineage for one reason: how many requests each stands for; null where a count begins anew.
select case when permitted then null else coalesce((convert_from(body, 'UTF8')::json ->> 'count')::bigint, 1) end
from ledger_entry
where lineage = %(lineage)s and at >= %(from)s and at <= %(to)s
  and (permitted and operation in ('thaw', 'renew')
       or not permitted and convert_from(body, 'UTF8')::json ->> 'reason' = %(reason)s)
order by id desc limit %(limit)s;

-- name: freeze
update lineage set frozen_at = %(at)s, frozen_reason = %(reason)s where id = %(id)s and frozen_at is null;

-- name: thaw
update lineage set frozen_at = null, frozen_reason = null where id = %(id)s and frozen_at is not null;

-- name: renew
-- Starts a lineage's lifetime anew; the entry itself is appended in the same transaction.
update lineage set epoch = epoch + 1, epoch_version = version where id = %(id)s;

-- name: waiting
-- Entries that are not yet in the log, in the order they will have there.
select e.id, e.body
from (select entry from ledger_waiting order by entry limit %(limit)s) w cross join lateral (
    select id, body from ledger_entry where id = w.entry
    offset 0 -- Each is looked up, whatever the planner remembers of how many wait.
) e
order by w.entry;

-- name: place_entries
-- Runs of entries get their places in the log. The first one makes the newest run longer where it goes on from it.
with runs as (
    select * from unnest(%(first_leaves)s::bigint[], %(first_entries)s::bigint[], %(entries)s::bigint[])
        as run(first_leaf, first_entry, entries)
), longer as (
    update ledger_run r set entries = r.entries + runs.entries from runs
    where r.first_leaf = (select max(first_leaf) from ledger_run)
      and r.first_leaf + r.entries = runs.first_leaf and r.first_entry + r.entries = runs.first_entry
    returning runs.first_leaf
)
insert into ledger_run (first_leaf, first_entry, entries)
select * from runs where first_leaf not in (select first_leaf from longer);

-- name: no_longer_waiting
delete from ledger_waiting where entry = any (%(ids)s);

-- name: place_of
-- The place of one entry in the log; bodies differ by node, start and sequence.
select place.leaf_index from ledger_entry e cross join lateral place_in_log(e.id) place
where e.lineage = %(lineage)s and e.body = %(body)s;

-- name: waiting_count
select count(*) from ledger_waiting;

-- name: latest_checkpoint
select size, root, note, at from checkpoint order by size desc limit 1;

-- name: add_checkpoint
insert into checkpoint (size, root, note, at) values (%(size)s, %(root)s, %(note)s, %(at)s)
on conflict (size) do update set note = excluded.note, at = excluded.at;

-- name: put_tile
insert into tile (path, data) values (%(path)s, %(data)s)
on conflict (path) do update set data = excluded.data;

-- name: drop_tile
delete from tile where path = any (%(paths)s);

-- name: tiles
select path, data from tile where path = any (%(paths)s);

-- name: tile_at
-- A tile or bundle under exactly this path; a full one does not serve for a partial one.
select data from tile where path = %(path)s;

-- name: all_tiles
select path, data from tile order by path;

-- name: sets_from
-- Sets of integrated entries in a range of the log.
select leaf_index, sealed_set from log_entries(%(from)s, %(to)s) where sealed_set is not null order by leaf_index;

-- name: leaf
select body from log_entries(%(leaf_index)s, %(leaf_index)s + 1);
