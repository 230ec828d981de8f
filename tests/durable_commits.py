"""Lets a store refuse every commit that would not wait for the disk, whoever makes it and by whatever mistake.

What counts is `synchronous_commit` at the moment of the commit: it can be dropped from a connection, be switched off
by an import within somebody else's transaction, or be forgotten at its end. A deferred trigger runs at that moment,
no earlier. The template of all test stores has it, so that each test of a use case tests that its answer stays, too.
"""

from __future__ import annotations

import psycopg

MAY_VANISH = {
    "blind_index": "a batch of an import, which goes with its progress and is done again",
    "delivery": "the progress of an import; its end has an entry, and waits",
    "envelope_version": "a batch of an import",
    "facet_change": "a batch of an import",
    "ordinal_counter": "numbers that a batch of an import took",
    "person_key": "a batch of an import; of a rotation, before the transaction that drops the old key",
    "record": "a batch of an import",
    "request_nonce": "whatever entry the request leads to lies later in the write-ahead log, and waits",
}
"""Tables of which a commit may be lost, each with why nobody was answered before; all others are watched."""

_WATCH = """
create schema durability;
create sequence durability.commits;
create function durability.check_commit() returns trigger language plpgsql as $$
begin
    if current_setting('synchronous_commit') = 'off' then
        raise exception 'a commit that changes % does not wait for the disk', tg_table_name
            using errcode = 'assert_failure';
    end if;
    perform nextval('durability.commits');
    return null;
end $$;
"""


def watch_commits(connection: psycopg.Connection) -> None:
    """Let the store refuse commits that may vanish, in every table but those that may."""
    with connection.transaction():
        connection.execute(_WATCH)
        for (table,) in connection.execute(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        ).fetchall():
            if table not in MAY_VANISH:
                connection.execute(
                    f'create constraint trigger waits_for_the_disk after insert or update or delete on "{table}"'
                    " deferrable initially deferred for each row execute function durability.check_commit()"
                )


def watched_tables(connection: psycopg.Connection) -> set[str]:
    """Return the tables whose commits are watched."""
    found = connection.execute(
        "select tgrelid::regclass::text from pg_trigger where tgname = 'waits_for_the_disk' and tgdeferrable"
    )
    return {str(row[0]) for row in found}


def changes_watched(connection: psycopg.Connection) -> int:
    """Return how many changed rows were checked at their commit so far."""
    row = connection.execute("select last_value from durability.commits").fetchone()
    assert row is not None
    return int(row[0])
