"""A credential that lapsed over HTTP does not work on the command line either, and the other way round."""

from __future__ import annotations

import psycopg
import pytest
from service_world import World

from cloakroom.client import RefusedError
from cloakroom.errors import DeniedError
from cloakroom.use_cases.people import principals

DAY = 86_400_000_000


def age(world: World, name: str, **columns: int | None) -> None:
    changes = ", ".join(f"{column} = %({column})s" for column in columns)
    with psycopg.connect(world.settings.database_url, autocommit=True) as connection:
        connection.execute(
            f"update credential set {changes} where id = %(id)s", {**columns, "id": world.credential(name).id}
        )


def works_here(world: World, name: str) -> bool:
    application = world.open("cli")
    try:
        principals.authenticate(application.records, world.credentials[name], at=application.now())
    except DeniedError as error:
        return {"expired": False}[error.code]
    finally:
        application.close()
    return True


def works_over_http(world: World, name: str) -> bool:
    try:
        with world.client(name) as client:
            client.exposure()
    except RefusedError as error:
        return {"expired": False}[error.code]
    return True


@pytest.mark.parametrize(
    ("days_ago", "used_days_ago", "works"), [(100, None, False), (100, 89, True), (100, 91, False), (10, None, True)]
)
def test_both_doors_judge_an_unused_credential_alike(served: World, days_ago, used_days_ago, works):
    application = served.open("look")
    now = application.now()
    application.close()
    last = None if used_days_ago is None else now - used_days_ago * DAY
    # The command line goes second: whoever works there has used the credential.
    for door in (works_over_http, works_here):
        age(served, "associate", created_at=now - days_ago * DAY, last_used_at=last)
        assert door(served, "associate") is works


def test_use_on_the_command_line_keeps_a_credential_alive(served: World):
    application = served.open("look")
    now = application.now()
    application.close()
    age(served, "privacy", created_at=now - 100 * DAY, last_used_at=now - 89 * DAY)
    assert works_here(served, "privacy")
    with psycopg.connect(served.settings.database_url, autocommit=True) as connection:
        row = connection.execute(
            "select last_used_at from credential where id = %s", (served.credential("privacy").id,)
        ).fetchone()
    assert row is not None
    assert row[0] >= now


@pytest.mark.parametrize("column", ["revoked_at", "expires_at"])
def test_a_revoked_or_expired_credential_works_at_neither(served: World, column):
    age(served, "marketing", **{column: 1})
    assert not works_here(served, "marketing")
    assert not works_over_http(served, "marketing")
    age(served, "marketing", **{column: None})
    assert works_here(served, "marketing")
