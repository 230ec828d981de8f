-- name: history
-- The folded history in force, in one look: another node may be about to put a later one in its place.
select l.folded_version, h.number, h.brand, h.drawn, h.probes, h.last_at, h.renewed, h.sealed_set
from lineage l left join lineage_history h on h.lineage = l.id and h.version = l.folded_version
where l.id = %(lineage)s
order by h.number;

-- name: add_history
-- Two nodes may fold up to one version at once. The later one's rows give way here, and it finds that it was too late.
insert into lineage_history (lineage, version, number, brand, drawn, probes, last_at, renewed, sealed_set)
values (%(lineage)s, %(version)s, %(number)s, %(brand)s, %(drawn)s, %(probes)s, %(last_at)s, %(renewed)s, %(sealed)s)
on conflict do nothing;

-- name: set_folded_version
update lineage set folded_version = %(version)s where id = %(lineage)s and folded_version = %(before)s;

-- name: drop_history
delete from lineage_history where lineage = %(lineage)s and version <> %(version)s;

-- name: unfolded
select id from lineage where version - folded_version >= %(entries)s order by id;
