"""The closed lists in which disclosures speak; the values are stored."""

from __future__ import annotations

from enum import IntEnum, StrEnum

__all__ = [
    "Attribution",
    "Certainty",
    "Channel",
    "CountCheck",
    "CoverageStatus",
    "FieldBasis",
    "Selector",
    "Stage",
]


class Certainty(IntEnum):
    """Certainty that a record was disclosed; higher is more certain."""

    POSSIBLE = 1
    BOUNDED = 2
    PROVEN = 3


class Stage(IntEnum):
    """Stage of a disclosure; each has its own evidence. A query that ran need not have been fetched."""

    ATTEMPTED = 1
    EXECUTED = 2
    DELIVERED = 3
    SEEN_OUTSIDE = 4


class Attribution(StrEnum):
    """The one whose act it was."""

    ATTACKER = "attacker"
    SUSPECTED = "suspected"
    UNKNOWN = "unknown"
    LEGITIMATE = "legitimate"


class Channel(StrEnum):
    """The way by which records left."""

    API = "api"
    BACKUP = "backup"
    BULK = "bulk"
    DUMP = "dump"
    FILE = "file"
    LIST_VIEW = "list_view"
    REPORT = "report"
    SQL = "sql"
    UI = "ui"
    WEB = "web"


class Selector(StrEnum):
    """The selector of the records."""

    IDS = "ids"  # the source lists them
    QUERY = "query"  # a query evaluated on a snapshot
    FILE = "file"  # a file whose records are known
    COUNT = "count"  # only a number is known
    REACH = "reach"  # what the credential could read
    MATCH = "match"  # leaked values found in the indexes


class FieldBasis(StrEnum):
    """The source of what is known of the fields."""

    EXPLICIT = "explicit"
    FILE_COLUMNS = "file_columns"
    REPORT_COLUMNS = "report_columns"
    STAR_OF_SCHEMA = "star_of_schema"
    UNKNOWN = "unknown"


class CountCheck(StrEnum):
    """The comparison of an evaluated query with the count in the log."""

    EQUAL = "equal"
    DIFFERS = "differs"
    NONE = "none"


class CoverageStatus(StrEnum):
    """Completeness of a source in its window. Only `COMPLETE` makes silence a statement."""

    COMPLETE = "complete"
    EXPIRED = "expired"
    FAILED = "failed"
    LATE = "late"
    NO_PERMISSION = "no_permission"
    NOT_ENABLED = "not_enabled"
    NOT_QUERYABLE = "not_queryable"
    PARTIAL = "partial"
    TRUNCATED = "truncated"
    UNKNOWN = "unknown"
    UNLICENSED = "unlicensed"
