"""Forms of authorities, read from their files, and the choice of the form for a duty.

A form is data: its fields in order, each with the label in the form's language and the canonical fields that answer
it. Labels are our rendering of what the form asks; the live form decides. Each form carries source, date read and
confidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloakroom.duty.filings.model import FILING_KINDS, Form, FormField, Template
from cloakroom.duty.instruments import CONFIDENCES
from cloakroom.duty.places import EEA
from cloakroom.errors import RuleError
from cloakroom.toml import parse_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloakroom.duty.duties import Duty
    from cloakroom.toml import Table

__all__ = ["form_for", "parse_form"]


def form_for(forms: Sequence[Form], duty: Duty) -> Form:
    """Return the form for a duty: of its place and instrument, else of its place, else a general one.

    Every duty has a form: the EDPB template for the EEA, the plain canonical one elsewhere.
    """
    fitting = [(fit, form) for form in forms if (fit := _fit(form, duty)) > 0]
    if fitting:
        return max(fitting, key=lambda pair: pair[0])[1]
    general = "eea-edpb" if duty.jurisdiction.partition("-")[0] in EEA else "any-plain"
    return next(form for form in forms if form.id == general)


def _fit(form: Form, duty: Duty) -> int:
    place = duty.jurisdiction
    country = place.partition("-")[0]
    if place in form.jurisdictions:
        fit = 4
    elif f"{country}-*" in form.jurisdictions or (country in form.jurisdictions and country == "DE"):
        fit = 2
    else:
        return 0
    if form.instruments:
        words = f"{duty.id} {duty.instrument} {duty.recipient}".lower()
        return fit + 1 if any(word.lower() in words for word in form.instruments) else 0
    return fit


def parse_form(text: str, source: str, template: Template) -> Form:
    """Read a form.

    Raises:
        RuleError: With every mistake and its line.
    """
    root = parse_document(text, source)
    head = root.table("form")
    if head is None:
        raise RuleError.at(source, "the table [form] is missing")
    kinds = _kinds(head)
    read = head.day("read")
    if read is None:
        head.report("read", "is missing: the day on which the form or its description was read")
    tables = root.tables("field")
    published = head.flag("published", default=False)
    fields = tuple(_field(table, template, published=published) for table in tables)
    if len({field.number for field in fields}) < len(fields):
        root.report("field", "two fields have the same number")
    if not fields:
        root.report("field", "is missing")
    form = Form(
        id=head.text("id"),
        title=head.text("title"),
        english_title=head.text("english_title"),
        authority=head.text("authority"),
        jurisdictions=head.texts("jurisdictions"),
        instruments=head.texts("instruments"),
        language=head.text("language"),
        time_zone=head.text("time_zone"),
        channel=head.text("channel"),
        kinds=kinds,
        note=head.text("note", default=""),
        source=head.text("source"),
        read="" if read is None else read.isoformat(),
        confidence=head.text("confidence", choices=frozenset(CONFIDENCES)),
        published=published,
        fields=fields,
    )
    head.close()
    root.close()
    root.check()
    return form


def _kinds(head: Table) -> dict[str, str]:
    table = head.table("kinds")
    if table is None:
        head.report("kinds", "is missing")
        return {}
    kinds = {kind: table.text(kind) for kind in FILING_KINDS if table.has(kind)}
    table.close()
    return kinds


def _field(table: Table, template: Template, *, published: bool) -> FormField:
    paths = table.texts("paths", required=True, choices=frozenset(template.fields))
    public = published and any(template.fields[path].may_be_public for path in paths if path in template.fields)
    field = FormField(
        number=table.text("number"),
        section=table.text("section"),
        label=table.text("label"),
        english=table.text("english"),
        paths=paths,
        must=table.flag("must", default=False),
        may_be_public=table.flag("may_be_public", default=public),
        characters_max=table.number("characters_max", default=0),
        words_max=table.number("words_max", default=0),
    )
    table.close()
    return field
