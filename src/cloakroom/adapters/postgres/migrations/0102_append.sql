-- Appends a batch of entries in one round trip: freeze check, compare-and-swap of each counted lineage, and the
-- entries themselves. Lineages are locked in the order of their ids, so that two nodes cannot deadlock.
--
-- Answers one row for each lineage named: ok, frozen, stale (somebody else appended first) or unknown. Entries of a
-- lineage that is not ok are left out; the others are in, and durable when the transaction commits.
create function append_entries(
    p_lineage text[], p_version bigint[],
    e_lineage text[], e_counted boolean[], e_at bigint[], e_operation text[], e_permitted boolean[], e_shape int[],
    e_records int[], e_body bytea[], e_set bytea[], p_tolerance bigint
) returns table (lineage text, status text, version bigint, epoch int)
language plpgsql as $$
declare
    good text[] := '{}';
    row record;
begin
    -- A node whose clock is wrong would shorten windows for everybody.
    if p_tolerance is not null and exists (
        select 1 from unnest(e_at) as e(at)
        where abs(e.at - extract(epoch from clock_timestamp()) * 1000000) > p_tolerance)
    then
        raise exception 'clock';
    end if;

    for row in
        select l.id, l.version, l.epoch, l.frozen_at, wanted.version as expected
        from lineage l join unnest(p_lineage, p_version) as wanted(id, version) on wanted.id = l.id
        order by l.id for no key update of l
    loop
        lineage := row.id; version := row.version; epoch := row.epoch;
        if row.frozen_at is not null then status := 'frozen';
        elsif row.expected <> row.version then status := 'stale';
        else status := 'ok'; good := good || row.id;
        end if;
        return next;
    end loop;

    insert into ledger_entry
        (lineage, lineage_version, epoch, at, operation, permitted, shape, records, body, sealed_set)
    select e.lineage,
           case when e.counted then
               l.version + row_number() over (partition by e.lineage, e.counted order by e.position) end,
           coalesce(l.epoch, 0), e.at, e.operation, e.permitted, e.shape, e.records, e.body, e.sealed_set
    from unnest(e_lineage, e_counted, e_at, e_operation, e_permitted, e_shape, e_records, e_body, e_set)
         with ordinality
         as e(lineage, counted, at, operation, permitted, shape, records, body, sealed_set, position)
         left join lineage l on l.id = e.lineage
    where not e.counted or e.lineage = any (good)
    order by e.position;

    update lineage l set version = l.version + added.entries
    from (select e.lineage, count(*) as entries from unnest(e_lineage, e_counted) as e(lineage, counted)
          where e.counted and e.lineage = any (good) group by e.lineage) added
    where l.id = added.lineage;
end $$;
