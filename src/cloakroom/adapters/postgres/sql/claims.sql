-- name: add_claim
insert into claim (id, checked_at, checked_by, statement, report, records, sketch_rate, sketch, emails)
values (%(id)s, %(checked_at)s, %(checked_by)s, %(statement)s, %(report)s, %(records)s, %(sketch_rate)s, %(sketch)s,
        %(emails)s);

-- name: add_claim_link
insert into claim_link (claim, earlier, share, basis) values (%(claim)s, %(earlier)s, %(share)s, %(basis)s);

-- name: claims
-- What later claims are compared with, oldest first.
select id, checked_at, checked_by, statement, records, sketch_rate, sketch, emails,
       jsonb_build_object('content_sha256', report -> 'content_sha256', 'brands', report -> 'brands')
from claim order by checked_at, id;

-- name: claim
select report from claim where id = %(id)s;

-- name: claim_list
select id, checked_at, checked_by, statement, report from claim order by checked_at, id;

-- name: claim_links
select claim, earlier, share, basis from claim_link order by claim, share desc;

-- name: release_entries
select at, body from ledger_entry where operation = 'release' and permitted;
