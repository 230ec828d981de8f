-- Appends a batch of entries in one round trip: freeze check, compare-and-swap of each counted lineage, and the
-- entries themselves. Lineages are locked in the order of their ids, so that two nodes cannot deadlock.
--
-- Answers one row for each lineage named: ok, frozen, stale (somebody else appended first) or unknown. Entries of a
-- lineage that is not ok are left out; the others are in, and durable when the transaction commits.
--
-- As before, in fewer steps: the node says where an entry's lineage stands among those named, and which version the
-- entry will have if its lineage is ok; so nothing is counted, joined or sorted here. Two entries that claim one version
-- are refused by `ledger_entry_counted`.
drop function append_entries(
    text[], bigint[], text[], boolean[], bigint[], text[], boolean[], int[], int[], bytea[], bytea[], bigint);

create function append_entries(
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

    insert into ledger_entry
        (lineage, lineage_version, epoch, at, operation, permitted, shape, records, body, sealed_set)
    select e.lineage, e.version,
           case when e.place is not null then epochs[e.place]
                else coalesce((select l.epoch from lineage l where l.id = e.lineage), 0) end,
           e.at, e.operation, e.permitted, e.shape, e.records, e.body, e.sealed_set
    from unnest(e_lineage, e_place, e_version, e_at, e_operation, e_permitted, e_shape, e_records, e_body, e_set)
         as e(lineage, place, version, at, operation, permitted, shape, records, body, sealed_set)
    where e.place is null or good[e.place];

    update lineage l set version = l.version + added.entries
    from unnest(p_lineage, p_added, good) as added(id, entries, is_good)
    where added.is_good and l.id = added.id;
end $$;
