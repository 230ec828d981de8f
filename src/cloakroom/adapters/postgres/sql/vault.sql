-- name: sealed_rows
select r.brand, r.ordinal, r.version, r.valid_from, r.state, r.contact, r.identity, r.value,
       k.generation, k.key_number, k.wraps
from unnest(%(ordinals)s::bigint[]) as wanted(ordinal)
     cross join brand b
     join record r on r.brand = b.number and r.ordinal = wanted.ordinal
     left join person_key k on k.brand = r.brand and k.ordinal = r.ordinal;

-- name: live_records
select ordinal from record where brand = %(brand)s and state = 0 and ordinal = any (%(ordinals)s);

-- name: sealed_versions
-- Superseded values of records.
select v.brand, v.ordinal, v.version, v.valid_from, 0::smallint, v.contact, v.identity, v.value,
       k.generation, k.key_number, k.wraps, v.valid_to
from unnest(%(ordinals)s::bigint[]) as wanted(ordinal)
     cross join brand b
     join envelope_version v on v.brand = b.number and v.ordinal = wanted.ordinal
     join person_key k on k.brand = v.brand and k.ordinal = v.ordinal
order by v.ordinal, v.version;

-- name: look_up
-- Records whose current or earlier values have these digests.
select w.position, b.ordinal, b.current
from unnest(%(brands)s::smallint[], %(index_ids)s::smallint[], %(digests)s::uuid[]) with ordinality
     as w(brand, index_id, digest, position)
     join blind_index b on b.brand = w.brand and b.index_id = w.index_id and b.digest = w.digest
where b.current or not %(only_current)s;

-- name: known_records
-- What an import needs of records that exist already.
select w.position, r.ordinal, r.version, r.valid_from, r.state, r.content, r.identity,
       k.generation, k.key_number, k.wraps
from unnest(%(digests)s::uuid[]) with ordinality as w(digest, position)
     join blind_index b on b.brand = %(brand)s and b.index_id = any (%(index_ids)s) and b.digest = w.digest
     join record r on r.brand = b.brand and r.ordinal = b.ordinal
     left join person_key k on k.brand = r.brand and k.ordinal = r.ordinal;

-- name: has_records
select exists (select 1 from record where brand = %(brand)s);

-- name: take_ordinals
update ordinal_counter set next = next + %(count)s returning next - %(count)s;

-- name: keep_keys
-- Which records still have their keys; nobody destroys those before this transaction ends.
select ordinal from person_key where brand = %(brand)s and ordinal = any (%(ordinals)s) order by ordinal for share;

-- name: lock_keys
-- Locks the keys of records before anything of them is read for an erasure.
select ordinal from person_key where brand = %(brand)s and ordinal = any (%(ordinals)s) order by ordinal for update;

-- name: supersede
-- Moves current values into the history.
insert into envelope_version (brand, ordinal, version, valid_from, valid_to, contact, identity, value)
select r.brand, r.ordinal, r.version, r.valid_from, u.valid_to, r.contact, r.identity, r.value
from unnest(%(ordinals)s::bigint[], %(versions)s::int[], %(valid_to)s::bigint[]) as u(ordinal, version, valid_to)
     join record r on r.brand = %(brand)s and r.ordinal = u.ordinal and r.version = u.version
on conflict do nothing;

-- name: replace
update record r set version = u.version, valid_from = u.valid_from, state = u.state, content = u.content,
    contact = u.contact, identity = u.identity, value = u.value
from unnest(%(ordinals)s::bigint[], %(versions)s::int[], %(valid_from)s::bigint[], %(states)s::smallint[],
            %(contents)s::uuid[], %(contact)s::bytea[], %(identity)s::bytea[], %(value)s::bytea[])
     as u(ordinal, version, valid_from, state, content, contact, identity, value)
where r.brand = %(brand)s and r.ordinal = u.ordinal and r.version = u.version - 1;

-- name: retire_index
update blind_index b set current = false
from unnest(%(index_ids)s::smallint[], %(digests)s::uuid[], %(ordinals)s::bigint[]) as u(index_id, digest, ordinal)
where b.brand = %(brand)s and b.index_id = u.index_id and b.digest = u.digest and b.ordinal = u.ordinal;

-- name: add_index
insert into blind_index (brand, index_id, digest, ordinal, current)
select %(brand)s, u.index_id, u.digest, u.ordinal, true
from unnest(%(index_ids)s::smallint[], %(digests)s::uuid[], %(ordinals)s::bigint[]) as u(index_id, digest, ordinal)
on conflict (brand, index_id, digest, ordinal) do update set current = true;

-- name: delivery
select rows_done, finished, counts from delivery where brand = %(brand)s and sha256 = %(sha256)s;

-- name: start_delivery
insert into delivery (brand, sha256, name, rows_done, finished, counts, started_at)
values (%(brand)s, %(sha256)s, %(name)s, 0, false, %(counts)s, %(at)s)
on conflict (brand, sha256) do nothing;

-- name: advance_delivery
update delivery set rows_done = coalesce(%(rows_done)s::bigint, rows_done),
    counts = case when %(rows_done)s::bigint is null then counts else %(counts)s::jsonb end
where brand = %(brand)s and sha256 = %(sha256)s;

-- name: finish_delivery
update delivery set finished = true, finished_at = %(at)s, counts = %(counts)s::jsonb, rows_done = %(rows_done)s
where brand = %(brand)s and sha256 = %(sha256)s;

-- name: facets
select key, sealed from facet where brand = %(brand)s;

-- name: facets_and_changes
-- Facets as last written whole, then what changed since, in order.
select key, null::bigint, sealed from facet where brand = %(brand)s
union all
(select null::uuid, id, sealed from facet_change where brand = %(brand)s order by id);

-- name: put_facet
insert into facet (brand, key, sealed) values (%(brand)s, %(key)s, %(sealed)s)
on conflict (brand, key) do update set sealed = excluded.sealed;

-- name: drop_facets
delete from facet where brand = %(brand)s and key = any (%(keys)s::uuid[]);

-- name: drop_facet_changes
delete from facet_change where brand = %(brand)s and id = any (%(ids)s);

-- name: erase_keys
delete from person_key where brand = %(brand)s and ordinal = any (%(ordinals)s);

-- name: erase_versions
delete from envelope_version where brand = %(brand)s and ordinal = any (%(ordinals)s);

-- name: erase_records
update record set state = 2, content = null, contact = null, identity = null, value = null
where brand = %(brand)s and ordinal = any (%(ordinals)s);

-- name: erase_index
delete from blind_index b using unnest(%(index_ids)s::smallint[], %(digests)s::uuid[], %(ordinals)s::bigint[])
    as u(index_id, digest, ordinal)
where b.brand = %(brand)s and b.index_id = u.index_id and b.digest = u.digest and b.ordinal = u.ordinal;

-- name: count_records
select brand, state, count(*) from record group by brand, state order by brand, state;

-- name: index_rows
-- A whole index, 20 bytes a row (digest, ordinal), in a block for each first byte of a digest: few long values travel
-- faster than many short ones, and a range of the primary key needs no sorting, hashing or counting of rows.
select held.pairs
from generate_series(0, 255) as first
cross join lateral (
    select string_agg(uuid_send(digest) || int4send(ordinal), ''::bytea) as pairs
    from blind_index
    where brand = %(brand)s and index_id = %(index_id)s
      and digest between rpad(lpad(to_hex(first), 2, '0'), 32, '0')::uuid
                     and rpad(lpad(to_hex(first), 2, '0'), 32, 'f')::uuid
) held
where held.pairs is not null;

-- name: keys_to_rewrap
select ordinal, generation, key_number, wraps from person_key
where brand = %(brand)s and generation < %(generation)s order by ordinal limit %(limit)s;

-- name: rewrap
update person_key k set generation = u.generation, wraps = u.wraps
from unnest(%(ordinals)s::bigint[], %(generations)s::int[], %(wraps)s::bytea[])
     as u(ordinal, generation, wraps)
where k.brand = %(brand)s and k.ordinal = u.ordinal and k.generation < u.generation;

-- name: take_index_rows
delete from blind_index where ctid = any (array(select ctid from blind_index
    where brand = %(brand)s and index_id = %(index_id)s limit %(limit)s)) returning digest, ordinal, current;

-- name: put_index_rows
insert into blind_index (brand, index_id, digest, ordinal, current)
select %(brand)s, %(index_id)s, u.digest, u.ordinal, u.current
from unnest(%(digests)s::uuid[], %(ordinals)s::bigint[], %(current)s::boolean[]) as u(digest, ordinal, current)
on conflict (brand, index_id, digest, ordinal) do update set current = blind_index.current or excluded.current;

-- name: add_facet_change
insert into facet_change (brand, sealed) values (%(brand)s, %(sealed)s);
