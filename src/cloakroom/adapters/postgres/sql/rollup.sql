-- name: rolled_up
-- Roll-ups of hours that lie wholly in the span.
select r.lineage, r.operation, s.shape, r.first_at, r.last_at, r.entries, r.set_bytes
from rollup r join disclosure_shape s on s.id = r.shape
where (%(lineage)s::text is null or r.lineage = %(lineage)s)
  and r.hour >= %(from)s and r.hour + %(hour)s <= %(to)s;

-- name: not_rolled_up
-- Permitted entries with records that no roll-up of the span covers: not taken in yet, or in an hour that the span
-- cuts.
with progress as (select coalesce(max(leaf_index), 0) as leaf_index from rollup_progress)
select e.lineage, e.operation, coalesce(s.shape, '{}'), e.at, e.at, 1, e.set_bytes
from ledger_entry e cross join progress left join disclosure_shape s on s.id = e.shape
where (%(lineage)s::text is null or e.lineage = %(lineage)s)
  and e.permitted and e.set_bytes is not null and e.lineage_version is not null
  and e.at >= %(from)s and e.at < %(to)s and (e.leaf_index is null or e.leaf_index >= progress.leaf_index)
union all
select e.lineage, e.operation, coalesce(s.shape, '{}'), e.at, e.at, 1, e.set_bytes
from ledger_entry e cross join progress left join disclosure_shape s on s.id = e.shape
where (%(lineage)s::text is null or e.lineage = %(lineage)s)
  and e.permitted and e.set_bytes is not null and e.lineage_version is not null
  and e.leaf_index < progress.leaf_index
  and ((e.at >= %(from)s and e.at < %(to)s and e.at < (%(from)s + %(hour)s - 1) / %(hour)s * %(hour)s)
       or (e.at >= %(from)s and e.at < %(to)s and e.at >= %(to)s / %(hour)s * %(hour)s));

-- name: entries_to_roll_up
select e.lineage, e.at / %(hour)s * %(hour)s, e.epoch, e.operation, e.shape, e.at, e.lineage_version, e.set_bytes
from ledger_entry e
where e.leaf_index >= %(from)s and e.leaf_index < %(to)s
  and e.permitted and e.set_bytes is not null and e.lineage_version is not null;

-- name: rollup_sets
select r.lineage, r.hour, r.epoch, r.operation, r.shape, r.set_bytes
from unnest(%(lineages)s::text[], %(hours)s::bigint[], %(epochs)s::int[], %(operations)s::text[], %(shapes)s::int[])
     as u(lineage, hour, epoch, operation, shape)
     join rollup r on (r.lineage, r.hour, r.epoch, r.operation, r.shape)
                    = (u.lineage, u.hour, u.epoch, u.operation, u.shape);

-- name: put_rollup
insert into rollup (lineage, hour, epoch, operation, shape, set_bytes, entries, last_version, first_at, last_at)
values (%(lineage)s, %(hour)s, %(epoch)s, %(operation)s, %(shape)s, %(set_bytes)s, %(entries)s, %(last_version)s,
        %(first_at)s, %(last_at)s)
on conflict (lineage, hour, epoch, operation, shape) do update set
    set_bytes = excluded.set_bytes, entries = rollup.entries + excluded.entries,
    last_version = greatest(rollup.last_version, excluded.last_version),
    first_at = least(rollup.first_at, excluded.first_at), last_at = greatest(rollup.last_at, excluded.last_at);

-- name: advance_rollup
insert into rollup_progress (leaf_index) values (%(leaf_index)s)
on conflict (only_row) do update set leaf_index = excluded.leaf_index;

-- name: rolled_up_places
-- Roll-ups with their sets, to find those that hold a record.
select r.lineage, r.hour, r.operation, r.shape, r.set_bytes from rollup r
where r.hour + %(hour)s > %(from)s and r.hour < %(to)s
order by r.hour, r.lineage, r.operation, r.shape;

-- name: entries_of_place
-- The integrated entries that one roll-up unites.
select e.leaf_index, e.body, e.set_bytes from ledger_entry e
where e.lineage = %(lineage)s and e.at >= %(start)s and e.at < %(start)s + %(hour)s
  and e.at >= %(from)s and e.at < %(to)s
  and e.operation = %(operation)s and e.shape = %(shape)s and e.leaf_index < %(size)s
  and e.permitted and e.set_bytes is not null and e.lineage_version is not null
order by e.leaf_index;

-- name: entries_of_no_place
-- Integrated entries that opened something and that no roll-up unites: too new, without a shape, or not counted.
with progress as (select coalesce(max(leaf_index), 0) as leaf_index from rollup_progress)
select e.leaf_index, e.body, e.set_bytes from ledger_entry e cross join progress
where e.leaf_index < %(size)s and e.at >= %(from)s and e.at < %(to)s and e.permitted and e.set_bytes is not null
  and ((e.lineage_version is not null and (e.leaf_index >= progress.leaf_index or e.shape is null))
       or (e.lineage_version is null and e.operation = any (%(uncounted)s)))
order by e.leaf_index;
