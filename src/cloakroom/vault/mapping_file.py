"""Reading a brand's mapping file.

`parse_mapping` tells every mistake in a file at once, each with its line. `check_group_mappings` finds what is wrong
only between brands: a field that two of them define differently, since budgets, policies and duties name fields
without a brand. `docs/reference/brand-mapping.md` explains the file.
"""

from __future__ import annotations

import codecs
import re
import zoneinfo
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from cloakroom.canonical.countries import country_code
from cloakroom.errors import Position, Problem, RuleError
from cloakroom.toml import Document, Table, parse_document
from cloakroom.vault.fields import CHOICES, INDEXABLE_KINDS, WELL_KNOWN_FIELDS, FieldDefinition, FieldKind
from cloakroom.vault.mapping import (
    DATE_ORDERS,
    FACETS,
    BrandMapping,
    ColumnMapping,
    FileFormat,
    FileKind,
    IdStyle,
    RecordColumns,
    SpendBands,
    parse_path,
)
from cloakroom.vocabulary import DATA_ELEMENTS, FieldClass

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_INDEX_OF_KIND = {FieldKind.EMAIL: "email", FieldKind.PHONE: "phone"}
_MAX_BANDS = 20


def parse_mapping(text: str, source: str) -> BrandMapping:
    """Read one brand's mapping.

    Args:
        text: The TOML document.
        source: File name for messages.

    Raises:
        RuleError: Anything is wrong; holds every mistake found, with its line.
    """
    root = parse_document(text, source)
    order = _format(root, "date_order", "iso")
    columns, bands = _columns(root.table_or_empty("columns"), order)
    mapping = BrandMapping(
        brand=root.text("brand"),
        source=source,
        file_format=_file_format(root.table_or_empty("format")),
        record=_record(root.table_or_empty("record"), order),
        columns=columns,
        timezone=_timezone(root),
        decimal_mark=root.text("decimal_mark", default=".", choices=(".", ",")),
        grouping_mark=root.text("grouping_mark", default="", choices=["", ".", ",", " ", "'", "’"]),
        empty=frozenset(word.strip().lower() for word in root.texts("empty")),
        ignore=frozenset(root.texts("ignore")),
        refuse_unknown=root.text("unknown_columns", default="refuse", choices=["refuse", "ignore"]) == "refuse",
        phone_country=_phone_country(root),
        defaults=_defaults(root.table_or_empty("defaults")),
        facets=_facets(root, columns, bands),
        spend_bands=bands,
        lines={column.source: root.document.line_of(("columns", column.source)) for column in columns},
    )
    root.close()
    _check_whole(mapping, root.document)
    root.check()
    return mapping


def check_group_mappings(mappings: Iterable[BrandMapping]) -> dict[str, FieldDefinition]:
    """Return every field of the group by name, after checking that all brands mean the same by it.

    Raises:
        RuleError: Two brands define one field differently, or share one index for different kinds.
    """
    fields: dict[str, tuple[FieldDefinition, BrandMapping]] = {}
    kinds: dict[str, tuple[FieldKind, str]] = {}
    problems: list[Problem] = []
    for mapping in mappings:
        for column in mapping.columns:
            definition = column.field
            known, other = fields.setdefault(definition.name, (definition, mapping))
            position = Position(mapping.source, mapping.lines.get(column.source), f"columns.{column.source}")
            for attribute in ("kind", "field_class", "index", "data_element"):
                if getattr(known, attribute) != getattr(definition, attribute):
                    name = "class" if attribute == "field_class" else attribute
                    reason = f"field `{definition.name}` has another {name} than in {other.source}"
                    problems.append(Problem(position, reason))
            if definition.index is not None:
                kind, name = kinds.setdefault(definition.index, (definition.kind, definition.name))
                if kind is not definition.kind:
                    reason = f"index `{definition.index}` already holds field `{name}` of kind {kind}"
                    problems.append(Problem(position, reason))
    if problems:
        raise RuleError(problems)
    return {name: definition for name, (definition, _) in fields.items()}


def _file_format(table: Table) -> FileFormat:
    kind = table.text("kind", default="", choices=list(FileKind))
    encoding = table.text("encoding", default="") or None
    if encoding is not None and not _is_text_encoding(encoding):
        table.report("encoding", "is no encoding known here; try utf-8, cp1252, latin-1, utf-16")
        encoding = None
    delimiter = table.text("delimiter", default="") or None
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        table.report("delimiter", "must be one character, and not a quote or line end")
        delimiter = None
    quote = table.raw("quote")
    if quote is not None and (not isinstance(quote, str) or quote not in {'"', "'", ""}):
        table.report("quote", "must be \", ' or empty for none")
        quote = None
    escape = table.text("escape", default="", choices=["", "\\"])
    header = table.texts("header")
    line_end = table.text("line_end", default="", choices=["lf", "crlf", "cr"]) or None
    table.close()
    return FileFormat(FileKind(kind) if kind else None, encoding, delimiter, quote, escape, line_end, header)


def _is_text_encoding(name: str) -> bool:
    try:
        # Refuses what Python calls a codec but is none of text, such as base64.
        return len("a".encode(codecs.lookup(name).name)) > 0
    except (LookupError, ValueError):
        return False


def _record(table: Table, order: str) -> RecordColumns:
    deleted = table.text("deleted", default="") or None
    true = frozenset(word.strip().lower() for word in table.texts("deleted_true"))
    false = frozenset(word.strip().lower() for word in table.texts("deleted_false"))
    if true & false:
        table.report("deleted_false", "holds a word that `deleted_true` holds too")
    record = RecordColumns(
        id=table.text("id"),
        id_style=IdStyle(table.text("id_style", default="plain", choices=list(IdStyle))),
        modified_at=table.text("modified_at", default="") or None,
        modified_at_format=_format(table, "modified_at_format", order),
        deleted=deleted,
        deleted_true=true or frozenset(["true", "1", "yes", "y", "t"]),
        deleted_false=false or frozenset(["false", "0", "no", "n", "f", ""]),
    )
    table.close()
    return record


def _format(table: Table, key: str, default: str) -> str:
    written = table.text(key, default=default)
    if written not in DATE_ORDERS and "%" not in written:
        table.report(key, f"must be one of {', '.join(DATE_ORDERS)}, or a pattern such as %d.%m.%Y")
        return default
    return written


def _timezone(root: Table) -> str:
    name = root.text("timezone", default="UTC")
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        root.report("timezone", "is no time zone, such as UTC or Europe/Paris")
        return "UTC"
    return name


def _phone_country(root: Table) -> tuple[str, ...]:
    order = root.texts("phone_country") if root.has("phone_country") else ("country", "store")
    if not set(order) <= {"country", "store"}:
        root.report("phone_country", "may name country and store only")
    return order


def _defaults(table: Table) -> dict[str, str]:
    keys = ("country", "language", "kind", "store")
    defaults = {key: table.text(key, default="") for key in keys if table.has(key)}
    if "country" in defaults and country_code(defaults["country"]) != defaults["country"]:
        table.report("country", "must be an ISO 3166-1 code of two capitals")
    if "kind" in defaults and defaults["kind"] not in CHOICES["kind"]:
        table.report("kind", f"must be one of {', '.join(sorted(CHOICES['kind']))}")
    table.close()
    return defaults


def _columns(table: Table, order: str) -> tuple[tuple[ColumnMapping, ...], SpendBands | None]:
    """Read the table of columns, and the bands of the one that has any."""
    columns: list[ColumnMapping] = []
    bands: SpendBands | None = None
    used: dict[str, str] = {}
    for source in table.values:
        value = table.raw(source)
        if isinstance(value, str):
            value = {"field": value}
        if not isinstance(value, dict):
            table.report(source, 'must name a field, such as "email", or be a table with `field`')
            continue
        entry = table.child(source, value)
        column, own_bands = _column(source, entry, order)
        if column is None:
            continue
        name = column.field.name
        if name in used:
            table.report(source, f"fills field `{name}`, as column `{used[name]}` does already")
        used[name] = source
        if own_bands is not None and bands is not None:
            entry.report("bands", "only one column may have bands")
        bands = own_bands or bands
        columns.append(column)
    if not table.values:
        table.document.report((), "[columns] maps no column")
    return tuple(columns), bands


def _column(source: str, entry: Table, order: str) -> tuple[ColumnMapping | None, SpendBands | None]:
    definition = _definition(entry)
    words = {word.strip().lower(): meaning for word, meaning in entry.text_table("words").items()}
    written = _format(entry, "format", order)
    strict, optional = entry.flag("strict", default=True), entry.flag("optional")
    bands = _bands(entry)
    entry.close()
    if definition is None:
        return None, None
    if bands is not None and definition.kind is not FieldKind.DECIMAL:
        entry.report("bands", "belongs to a field of kind decimal")
    allowed = CHOICES.get(definition.name)
    if allowed is not None and not set(words.values()) <= allowed:
        entry.report("words", f"field `{definition.name}` knows only {', '.join(sorted(allowed))}")
    if definition.kind is FieldKind.COUNTRY and any(country_code(code) != code for code in words.values()):
        entry.report("words", "a country's words must stand for ISO 3166-1 codes of two capitals")
    return ColumnMapping(source, definition, words, written, strict, optional), bands


def _definition(entry: Table) -> FieldDefinition | None:
    """Return the field that a column fills: a well-known one, perhaps adapted, or one declared here."""
    name = entry.text("field")
    kind = entry.text("kind", default="", choices=list(FieldKind))
    field_class = entry.text("class", default="", choices=list(FieldClass))
    element, index = entry.text("data_element", default="", choices=DATA_ELEMENTS), entry.raw("index")
    if index is not None and not isinstance(index, bool):
        entry.report("index", "must be true or false")
        index = None
    known = WELL_KNOWN_FIELDS.get(name)
    if known is None:
        definition = _declared(entry, name, kind, field_class, element)
        if definition is None:
            return None
    else:
        if kind and kind != known.kind:
            entry.report("kind", f"field `{name}` is of kind {known.kind}")
        definition = replace(
            known,
            field_class=FieldClass(field_class or known.field_class),
            data_element=element or known.data_element,
        )
    if index is None:
        return definition
    if index and definition.kind not in INDEXABLE_KINDS:
        entry.report("index", f"a field of kind {definition.kind} has too few different values to be indexed safely")
        return definition
    name_of_index = definition.index or _INDEX_OF_KIND.get(definition.kind, definition.name)
    return replace(definition, index=name_of_index if index else None)


def _declared(entry: Table, name: str, kind: str, field_class: str, element: str) -> FieldDefinition | None:
    """Return a field of the brand's own."""
    if not name:
        return None
    if not _FIELD_NAME.fullmatch(name):
        entry.report("field", "must be lower-case letters, digits and _, beginning with a letter")
        return None
    missing = [key for key, value in (("kind", kind), ("class", field_class), ("data_element", element)) if not value]
    if missing:
        wanted = " and ".join(f"`{key}`" for key in missing if not entry.has(key))
        if wanted:
            known = ", ".join(sorted(WELL_KNOWN_FIELDS))
            entry.report("field", f"`{name}` is not well known and needs {wanted}; well known are {known}")
        return None
    return FieldDefinition(name, FieldKind(kind), FieldClass(field_class), None, element)


def _bands(entry: Table) -> SpendBands | None:
    currency, thresholds = entry.text("currency", default=""), entry.texts("bands")
    if not currency and not thresholds:
        return None
    if not re.fullmatch(r"[A-Z]{3}", currency):
        entry.report("currency", "must be an ISO 4217 code of three capitals")
    try:
        amounts = tuple(Decimal(threshold) for threshold in thresholds)
    except InvalidOperation:
        entry.report("bands", 'must be amounts in quotes, such as "1000"')
        return None
    if not all(amount.is_finite() for amount in amounts) or list(amounts) != sorted(set(amounts)):
        entry.report("bands", "must ascend")
        return None
    if not 1 <= len(amounts) <= _MAX_BANDS:
        entry.report("bands", f"must be 1 to {_MAX_BANDS} amounts")
        return None
    return SpendBands(entry.text("field", default=""), currency, amounts)


def _facets(root: Table, columns: tuple[ColumnMapping, ...], bands: SpendBands | None) -> tuple[str, ...]:
    """Return the facets to keep: those asked for, or all that the columns and defaults can give."""
    defaults: Any = root.raw("defaults")
    available = {column.field.name for column in columns} | set(defaults if isinstance(defaults, dict) else ())
    possible = [facet for facet in FACETS if (bands is not None if facet == "spend_band" else facet in available)]
    if not root.has("facets"):
        return tuple(possible)
    chosen = root.texts("facets")
    if not set(chosen) <= set(FACETS):
        root.report("facets", f"may name {', '.join(FACETS)} only")
    elif not set(chosen) <= set(possible):
        missing = ", ".join(facet for facet in FACETS if facet in chosen and facet not in possible)
        root.report("facets", f"no column gives {missing}")
    return tuple(facet for facet in possible if facet in chosen)


def _check_whole(mapping: BrandMapping, document: Document) -> None:
    """Find what is wrong only between the parts of one mapping."""
    if mapping.grouping_mark == mapping.decimal_mark:
        document.report(("grouping_mark",), "is the decimal mark too")
    if mapping.file_format.kind in {FileKind.JSON_LINES, FileKind.PARQUET}:
        _check_paths(mapping, document)
    for column in mapping.columns:
        if column.source in mapping.ignore:
            document.report(("ignore",), f"column `{column.source}` is both mapped and ignored")
    header = mapping.file_format.header
    if header:
        for source in (*mapping.record.sources, *(column.source for column in mapping.columns)):
            if source not in header:
                document.report(("format", "header"), f"column `{source}` is used but not named")


def _check_paths(mapping: BrandMapping, document: Document) -> None:
    """A CSV header may hold anything; names in nested formats must be paths."""
    places: list[tuple[tuple[str, ...], str]] = [
        (("columns", column.source), column.source) for column in mapping.columns
    ]
    places += [(("record",), source) for source in mapping.record.sources]
    for path, source in places:
        try:
            parse_path(source)
        except ValueError:
            document.report(path, f"`{source}` is no path such as name.given or phones[0]")
