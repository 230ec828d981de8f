-- name: rolled_up
-- Roll-ups of the given spans: for each length, those that start in a range.
select r.lineage, r.length, r.start, r.operation, r.shape, s.shape, r.first_at, r.last_at, r.entries, r.sealed_set
from unnest(%(lengths)s::bigint[], %(starts)s::bigint[], %(ends)s::bigint[]) as u(length, first, past)
     join rollup r on r.length = u.length and r.start >= u.first and r.start < u.past
     join disclosure_shape s on s.id = r.shape
where %(lineage)s::text is null or r.lineage = %(lineage)s;

-- name: not_rolled_up
-- Permitted entries with records of a span that no roll-up of it covers: not taken in yet, or in an hour that the
-- span cuts, which is before `whole_from` or from `whole_to` on. A branch for each reason, since each has an index of its
-- own: what is not in the log, what is in the log beyond the roll-ups, what lies before the span, what after.
with progress as (
    select coalesce(max(leaf_index), 0) as leaf_index from rollup_progress
), opening as not materialized (
    select e.id, e.lineage, e.operation, coalesce(s.shape, '{}') as shape, e.at, e.sealed_set
    from ledger_entry e left join disclosure_shape s on s.id = e.shape
    where (%(lineage)s::text is null or e.lineage = %(lineage)s)
      and e.permitted and e.sealed_set is not null and e.lineage_version is not null
), in_hours_cut as (
    select * from opening where at >= %(from)s and at < %(whole_from)s
    union all
    select * from opening where at >= %(whole_to)s and at < %(to)s
)
select o.lineage, o.operation, o.shape, o.at, o.sealed_set
from ledger_waiting w cross join lateral (
    select * from opening where id = w.entry
    offset 0 -- Few wait, whatever the planner remembers of their number: each is looked up.
) o
where o.at >= %(from)s and o.at < %(to)s
union all
select e.lineage, e.operation, coalesce(s.shape, '{}'), e.at, e.sealed_set
from progress p cross join log_entries(p.leaf_index, null) e left join disclosure_shape s on s.id = e.shape
where (%(lineage)s::text is null or e.lineage = %(lineage)s)
  and e.permitted and e.sealed_set is not null and e.lineage_version is not null
  and e.at >= %(from)s and e.at < %(to)s
union all
select o.lineage, o.operation, o.shape, o.at, o.sealed_set
from progress p cross join in_hours_cut o cross join lateral place_in_log(o.id) place
where place.leaf_index < p.leaf_index;

-- name: entries_to_roll_up
select e.lineage, e.operation, e.shape, e.at, e.sealed_set
from log_entries(%(from)s, %(to)s) e
where e.permitted and e.sealed_set is not null and e.lineage_version is not null;

-- name: rollup_sets
select r.lineage, r.length, r.start, r.operation, r.shape, r.first_at, r.last_at, r.entries, r.sealed_set
from unnest(%(lineages)s::text[], %(lengths)s::bigint[], %(starts)s::bigint[], %(operations)s::text[],
            %(shapes)s::int[])
     as u(lineage, length, start, operation, shape)
     join rollup r on (r.lineage, r.length, r.start, r.operation, r.shape)
                    = (u.lineage, u.length, u.start, u.operation, u.shape);

-- name: put_rollups
insert into rollup (lineage, length, start, operation, shape, sealed_set, entries, first_at, last_at)
select * from unnest(%(lineages)s::text[], %(lengths)s::bigint[], %(starts)s::bigint[], %(operations)s::text[],
                     %(shapes)s::int[], %(sealed)s::bytea[], %(entries)s::int[], %(first)s::bigint[],
                     %(last)s::bigint[])
on conflict (lineage, length, start, operation, shape) do update set
    sealed_set = excluded.sealed_set, entries = excluded.entries, first_at = excluded.first_at,
    last_at = excluded.last_at;

-- name: rolled_up_to
select coalesce(max(leaf_index), 0) from rollup_progress;

-- name: log_size
select coalesce(max(size), 0) from checkpoint;

-- name: advance_rollup
insert into rollup_progress (leaf_index) values (%(leaf_index)s)
on conflict (only_row) do update set leaf_index = excluded.leaf_index;

-- name: rolled_up_places
-- Roll-ups of one length with their sets, to find those that hold a record.
select r.lineage, r.length, r.start, r.operation, r.shape, r.sealed_set from rollup r
where r.length = %(length)s and r.start + %(length)s > %(from)s and r.start < %(to)s
order by r.start, r.lineage, r.operation, r.shape;

-- name: rolled_up_within
-- The shorter roll-ups within longer ones.
select r.lineage, r.length, r.start, r.operation, r.shape, r.sealed_set
from unnest(%(lineages)s::text[], %(starts)s::bigint[], %(operations)s::text[], %(shapes)s::int[])
     as u(lineage, start, operation, shape)
     join rollup r on r.lineage = u.lineage and r.length = %(length)s and r.operation = u.operation
                  and r.shape = u.shape and r.start >= u.start and r.start < u.start + %(longer)s
where r.start + %(length)s > %(from)s and r.start < %(to)s
order by r.start, r.lineage, r.operation, r.shape;

-- name: entries_of_place
-- The integrated entries that the roll-up of one hour unites. Of the same hour there may be later ones, which it does not.
select place.leaf_index, e.lineage, e.body, e.sealed_set
from ledger_entry e cross join lateral place_in_log(e.id) place
where e.lineage = %(lineage)s and e.at >= %(start)s and e.at < %(start)s + %(hour)s
  and e.at >= %(from)s and e.at < %(to)s
  and e.operation = %(operation)s and e.shape = %(shape)s and place.leaf_index < %(size)s
  and place.leaf_index < (select max(leaf_index) from rollup_progress)
  and e.permitted and e.sealed_set is not null and e.lineage_version is not null
order by place.leaf_index;

-- name: entries_of_no_place
-- Integrated entries that opened something and that no roll-up unites: too new; or without a shape, or not counted.
with progress as (
    select coalesce(max(leaf_index), 0) as leaf_index from rollup_progress
)
select e.leaf_index, e.lineage, e.body, e.sealed_set
from progress p cross join log_entries(p.leaf_index, %(size)s) e
where e.at >= %(from)s and e.at < %(to)s
  and e.permitted and e.sealed_set is not null and e.lineage_version is not null
union all
select place.leaf_index, e.lineage, e.body, e.sealed_set
from progress p cross join ledger_entry e cross join lateral place_in_log(e.id) place
where place.leaf_index < %(size)s and e.at >= %(from)s and e.at < %(to)s
  and e.permitted and e.sealed_set is not null and (e.shape is null or e.lineage_version is null)
  and (e.lineage_version is not null or e.operation = any (%(uncounted)s))
  and (e.lineage_version is null or place.leaf_index < p.leaf_index)
order by leaf_index;
