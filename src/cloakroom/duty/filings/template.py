"""Reading the canonical filing from its file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cloakroom.duty.fact_values import SEGMENTS
from cloakroom.duty.filings.model import Category, Field, Impact, Template
from cloakroom.errors import RuleError
from cloakroom.toml import parse_document
from cloakroom.vocabulary import DATA_ELEMENTS

if TYPE_CHECKING:
    from cloakroom.toml import Table

__all__ = ["parse_template"]

KINDS: Final = frozenset({"choice", "choices", "counts", "flag", "list", "number", "place", "places", "text", "time"})
ORIGINS: Final = frozenset({"computed", "person"})
NEEDS: Final = frozenset({"always", "conditional", "optional"})


def parse_template(text: str, source: str) -> Template:
    """Read a template.

    Raises:
        RuleError: With every mistake and its line.
    """
    root = parse_document(text, source)
    head = root.table("template")
    if head is None:
        raise RuleError.at(source, "the table [template] is missing")
    blocks: dict[str, str] = {}
    for table in root.tables("block"):
        blocks[table.text("id")] = table.text("title")
        table.close()
    fields: dict[str, Field] = {}
    conditions = []
    for table in root.tables("field"):
        field = _field(table, frozenset(blocks))
        if field.path in fields:
            table.report("path", "is there twice")
        fields[field.path] = field
        conditions.append((table, field))
    for table, field in conditions:
        if field.only_if is not None and field.only_if[0] not in fields:
            table.report("only_if", "names no field")
    template = Template(
        id=head.text("id"),
        version=head.text("version"),
        source=head.text("source"),
        confidence=head.text("confidence"),
        blocks=blocks,
        fields=fields,
        categories=tuple(_category(table) for table in root.tables("category")),
        impacts=tuple(_impact(table) for table in root.tables("impact")),
    )
    head.day("read")
    head.close()
    covered = sorted(element for category in template.categories for element in category.elements)
    if covered != sorted(DATA_ELEMENTS):
        root.report("category", "the categories must hold every data element exactly once")
    root.close()
    root.check()
    return template


def _field(table: Table, blocks: frozenset[str]) -> Field:
    condition = table.table("only_if")
    only_if = None
    if condition is not None:
        only_if = (condition.text("path"), frozenset(condition.texts("any", required=True)))
        condition.close()
    need = table.text("need", choices=NEEDS)
    if (need == "conditional") != (only_if is not None):
        table.report("only_if", "belongs to conditional fields, and to all of them")
    field = Field(
        path=table.text("path"),
        block=table.text("block", choices=blocks),
        label=table.text("label"),
        kind=table.text("kind", choices=KINDS),
        origin=table.text("origin", choices=ORIGINS),
        need=need,
        choices=table.texts("choices"),
        only_if=only_if,
        may_be_public=table.flag("may_be_public", default=False),
        prose=table.flag("prose", default=False),
        word_suffix=table.text("word_suffix", default=""),
    )
    if field.choices and field.kind not in {"choice", "choices"}:
        table.report("choices", "belong to a field of kind choice or choices")
    table.close()
    return field


def _category(table: Table) -> Category:
    elements = frozenset(table.texts("elements", required=True, choices=DATA_ELEMENTS))
    category = Category(table.text("id"), table.text("title"), elements)
    table.close()
    return category


def _impact(table: Table) -> Impact:
    impact = Impact(
        table.text("id"),
        frozenset(table.texts("data_any", choices=DATA_ELEMENTS)),
        frozenset(table.texts("segment_any", choices=SEGMENTS)),
    )
    table.close()
    return impact
