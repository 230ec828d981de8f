-- Entries are written once and never changed. Where they stand in the log was a column of theirs, and setting it wrote
-- each row and four of its index entries a second time, and left as much for vacuum to clear away. Now:
--
-- - `ledger_waiting` holds the ids of entries that are not in the log yet; it is nearly empty at all times;
-- - `ledger_run` holds where the others are. The log takes entries in the order of their ids, so that one row says it of
--   as many as have consecutive ids and consecutive places: usually of all that one sequencer took in a row.
create table ledger_waiting (
    entry       bigint primary key
);

create table ledger_run (
    first_leaf  bigint primary key,             -- place in the log of the first of them
    first_entry bigint not null unique,         -- its id
    entries     bigint not null check (entries > 0)
);

insert into ledger_waiting (entry) select id from ledger_entry where leaf_index is null;

insert into ledger_run (first_leaf, first_entry, entries)
select min(leaf_index), min(id), count(*)
from (
    select id, leaf_index,
           leaf_index - row_number() over (partition by id - leaf_index order by leaf_index) as run
    from ledger_entry where leaf_index is not null
) placed
group by id - leaf_index, run;

-- Its indexes go with it.
alter table ledger_entry drop column leaf_index;
alter table ledger_entry drop constraint ledger_entry_pkey;
alter table ledger_entry add primary key (id);

-- The entries in a range of the log, up to its end if `p_to` is null, and where each stands.
create function log_entries(p_from bigint, p_to bigint)
returns table (
    leaf_index bigint, lineage text, lineage_version bigint, at bigint, operation text, permitted boolean, shape int,
    body bytea, sealed_set bytea
) language sql stable as $$
    select r.first_leaf + (e.id - r.first_entry), e.lineage, e.lineage_version, e.at, e.operation, e.permitted,
           e.shape, e.body, e.sealed_set
    from ledger_run r cross join lateral (
        select * from ledger_entry
        where id >= r.first_entry + greatest(p_from - r.first_leaf, 0)
          and id < r.first_entry + least(p_to - r.first_leaf, r.entries)
        offset 0 -- Nothing that is asked of them may lead the planner to another index.
    ) e
    where r.first_leaf >= (select coalesce(max(s.first_leaf), 0) from ledger_run s where s.first_leaf <= p_from)
      and (p_to is null or r.first_leaf < p_to)
$$;

-- Where an entry stands in the log; no row where it does not.
create function place_in_log(p_entry bigint) returns table (leaf_index bigint) rows 1 language sql stable as $$
    select run.first_leaf + (p_entry - run.first_entry)
    from (select * from ledger_run r where r.first_entry <= p_entry order by r.first_entry desc limit 1) run
    where p_entry < run.first_entry + run.entries
$$;

-- As migration 0108 has it, but for the last step: what was appended waits for its place in the log.
create or replace function append_entries(
    p_lineage text[], p_version bigint[], p_added int[],
    e_lineage text[], e_place int[], e_version bigint[], e_at bigint[], e_operation text[], e_permitted boolean[],
    e_shape int[], e_records int[], e_body bytea[], e_set bytea[], p_tolerance bigint
) returns table (lineage text, status text, version bigint, epoch int)
language plpgsql as $$
declare
    good boolean[] := array_fill(false, array[cardinality(p_lineage)]);
    epochs int[] := array_fill(0, array[cardinality(p_lineage)]);
    clock bigint := extract(epoch from clock_timestamp()) * 1000000;
    moment bigint;
    row record;
begin
    -- A node whose clock is wrong would shorten windows for everybody.
    if p_tolerance is not null then
        foreach moment in array e_at loop
            if abs(moment - clock) > p_tolerance then
                raise exception 'clock';
            end if;
        end loop;
    end if;

    for row in
        select l.id, l.version, l.epoch, l.frozen_at, wanted.version as expected, wanted.place
        from lineage l join unnest(p_lineage, p_version) with ordinality as wanted(id, version, place)
            on wanted.id = l.id
        order by l.id for no key update of l
    loop
        lineage := row.id; version := row.version; epoch := row.epoch;
        epochs[row.place] := row.epoch;
        if row.frozen_at is not null then status := 'frozen';
        elsif row.expected <> row.version then status := 'stale';
        else status := 'ok'; good[row.place] := true;
        end if;
        return next;
    end loop;

    with appended as (
        insert into ledger_entry
            (lineage, lineage_version, epoch, at, operation, permitted, shape, records, body, sealed_set)
        select e.lineage, e.version,
               case when e.place is not null then epochs[e.place]
                    else coalesce((select l.epoch from lineage l where l.id = e.lineage), 0) end,
               e.at, e.operation, e.permitted, e.shape, e.records, e.body, e.sealed_set
        from unnest(e_lineage, e_place, e_version, e_at, e_operation, e_permitted, e_shape, e_records, e_body, e_set)
             as e(lineage, place, version, at, operation, permitted, shape, records, body, sealed_set)
        where e.place is null or good[e.place]
        returning id
    )
    insert into ledger_waiting (entry) select id from appended;

    update lineage l set version = l.version + added.entries
    from unnest(p_lineage, p_added, good) as added(id, entries, is_good)
    where added.is_good and l.id = added.id;
end $$;
