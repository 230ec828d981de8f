"""SQL lies in files, as named and described queries; this loads them.

A file holds queries of the form::

    -- name: freeze_lineage
    -- Marks a lineage as frozen; no effect on one that already is.
    update lineage set ...;
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from cloakroom.errors import StoreError

_MARK = "-- name:"


@cache
def load_queries(name: str) -> dict[str, str]:
    """Return the queries of ``sql/<name>.sql`` by their names."""
    text = resources.files("cloakroom.adapters.postgres").joinpath("sql", f"{name}.sql").read_text("utf-8")
    queries: dict[str, str] = {}
    for block in text.split(_MARK)[1:]:
        title, _, body = block.partition("\n")
        lines = [line for line in body.splitlines() if not line.lstrip().startswith("--")]
        if title.strip() in queries:
            raise StoreError(f"{name}.sql names the query {title.strip()} twice")
        queries[title.strip()] = "\n".join(lines).strip().rstrip(";")
    return queries
