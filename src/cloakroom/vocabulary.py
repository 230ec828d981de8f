"""Words that several packages speak, each defined once: classes of fields, operations, elements of data.

They stand in stored bytes, in policies and in files of rules. A word is never renamed and never used again for
another thing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class FieldClass(StrEnum):
    """The part of a record that a field belongs to: its key is of this class, and so is the budget of its opening."""

    CONTACT = "contact"
    IDENTITY = "identity"
    VALUE = "value"


class Operation(StrEnum):
    """Something that a principal asks for or the system does.

    Not every one is a policy's to permit, and not every one has entries under its own name: see
    `POLICY_OPERATIONS` and `ENTRY_OPERATIONS`.
    """

    REVEAL = "reveal"
    FIND = "find"
    PROBE = "probe"
    LIST = "list"
    RELEASE = "release"
    RESOLVE = "resolve"
    AFFECTED = "affected"
    IMPORT = "import"
    WRITE = "write"
    ERASE = "erase"
    FREEZE = "freeze"
    THAW = "thaw"
    RENEW = "renew"
    PRINCIPAL = "principal"
    POLICY = "policy"
    ROTATE = "rotate"
    CLAIM = "claim"
    INITIALISE = "initialise"
    HEARTBEAT = "heartbeat"
    CLOCK = "clock"
    EXCHANGE = "exchange"
    REQUEST = "request"
    SIGN_IN = "sign-in"
    REPORT = "report"
    ACCESS_REPORT = "access-report"
    ENROL = "enrol"
    EXPOSURE = "exposure"
    LEDGER = "ledger"


POLICY_OPERATIONS: Final = frozenset(
    {
        Operation.ACCESS_REPORT,
        Operation.AFFECTED,
        Operation.ENROL,
        Operation.ERASE,
        Operation.EXCHANGE,
        Operation.EXPOSURE,
        Operation.FIND,
        Operation.FREEZE,
        Operation.LEDGER,
        Operation.LIST,
        Operation.PROBE,
        Operation.RELEASE,
        Operation.REVEAL,
        Operation.WRITE,
    }
)
"""Operations that a purpose of a policy can permit; nothing permits another."""

ENTRY_OPERATIONS: Final = frozenset(Operation) - {
    Operation.ACCESS_REPORT,
    Operation.ENROL,
    Operation.EXPOSURE,
    Operation.LEDGER,
}
"""Operations that an entry of the ledger states. What reads reports or the ledger is entered as `REPORT` or
`REQUEST`, and an enrolment as `PRINCIPAL`, with what was asked in the entry's detail."""

DATA_ELEMENTS: Final = frozenset(
    [
        *("name", "email", "phone", "postal_address", "birth_date", "birth_place", "gender", "language"),
        *("customer_number", "spend_total", "purchase_history", "preferences", "password", "password_hash"),
        *("security_answer", "payment_card", "payment_card_with_code", "bank_account", "financial_statement", "wage"),
        *("national_id", "id_document", "passport", "driver_licence", "tax_id", "health", "biometric", "genetic"),
        *("location", "communication", "education", "family", "religion", "politics", "ethnicity", "union"),
        *("sex_life", "criminal", "insurance", "vehicle", "photo", "application", "other"),
    ]
)
"""The elements in which laws speak of data; each field is one of them (see `docs/reference/facts.md`)."""
