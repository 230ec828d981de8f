"""A filled form as a copy sheet (text, in the form's order) and as plain values for JSON and PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cloakroom.duty.filings.filling import render_time

if TYPE_CHECKING:
    from cloakroom.duty.filings.model import FilledField, FilledForm

__all__ = ["CONFIDENCE_WORDS", "NOT_ADVICE", "page_values", "render_sheet"]

NOT_ADVICE: Final = "Draft computed from recorded facts. Not legal advice: counsel reads it before it is sent."
CONFIDENCE_WORDS: Final = {
    "V1": "primary text read",
    "V2": "good secondary source",
    "V3": "background knowledge, confirm before relying on it",
    "X": "sources contradict each other",
    "": "not marked",
}


def page_values(filled: FilledForm, version: dict[str, Any]) -> dict[str, Any]:
    """Return everything that a page shows, as plain values.

    Args:
        filled: The form.
        version: The kept draft (number, duty, changes, when made).
    """
    form, duty = filled.form, version["duty"]
    foreign = filled.language != form.language
    return {
        "title": form.english_title if foreign else form.title,
        "language": filled.language,
        "authority": duty["recipient"] or form.authority,
        "form": form.id,
        "kind": filled.kind if foreign else form.kinds.get(filled.kind, filled.kind),
        "filing": version["filing"],
        "version": version["version"],
        "provision": duty["provision"],
        "controller": version["controller_name"],
        "deadline": render_time(duty["deadline"], form.time_zone) if duty["deadline"] else "no fixed number",
        "made_at": render_time(version["made_at"], form.time_zone),
        "channel": form.channel,
        "demands": _demands(duty, form.language),
        "published": form.published,
        "note": form.note,
        "advice": NOT_ADVICE,
        "duty_confidence": _confidence(duty["confidence"]),
        "form_confidence": _confidence(form.confidence),
        "form_source": form.source,
        "form_read": form.read,
        "missing": [
            {"number": entry.field.number, "label": _label(entry, english=foreign), "parts": list(entry.missing)}
            for entry in filled.missing
        ],
        "changes": version["changes"],
        "sections": _sections(filled, english=foreign),
    }


def _demands(duty: dict[str, Any], language: str) -> list[str]:
    """Say what the rule itself demands of the filing, beyond the form."""
    demands = []
    if duty["after"]:
        demands.append("Only after: " + ", ".join(duty["after"]))
    if duty["content_required"]:
        demands.append("The law asks for: " + "; ".join(duty["content_required"]))
    if duty["content_forbidden"]:
        demands.append("It must not contain: " + "; ".join(duty["content_forbidden"]))
    if duty["languages"] and language not in duty["languages"]:
        demands.append("The authority works in " + ", ".join(duty["languages"]) + f"; this form is in {language}")
    return demands


def _confidence(mark: str) -> str:
    return f"{mark} ({CONFIDENCE_WORDS.get(mark, 'not marked')})".strip()


def _label(filled: FilledField, *, english: bool) -> str:
    return filled.field.english if english else filled.field.label


def _sections(filled: FilledForm, *, english: bool) -> list[dict[str, Any]]:
    sections: list[dict[str, Any]] = []
    for entry in filled.fields:
        prefix = entry.field.number.rpartition(".")[0]
        if not sections or sections[-1]["number"] != prefix:
            title = "" if english else entry.field.section
            sections.append({"number": prefix, "title": title, "fields": []})
        sections[-1]["fields"].append(
            {
                "number": entry.field.number,
                "label": _label(entry, english=english),
                "english": "" if english or entry.field.english == entry.field.label else entry.field.english,
                "text": entry.text,
                "must": entry.field.must,
                "missing": list(entry.missing),
                "asked": entry.asked,
                "public": entry.field.may_be_public,
                "origins": list(entry.origins),
                "problems": list(entry.problems),
            }
        )
    return sections


def render_sheet(values: dict[str, Any]) -> str:
    """Return the copy sheet: answers in the form's order, nothing around them to cut off."""
    lines = [
        values["title"],
        f"{values['authority']} · {values['kind']} · filing {values['filing']}, version {values['version']}",
        f"{values['controller']} · {values['provision']} · deadline {values['deadline']}",
        f"Where to file: {values['channel']}",
        values["advice"],
        f"Confidence of the duty: {values['duty_confidence']}",
        f"Confidence of the form: {values['form_confidence']}, read {values['form_read']}",
    ]
    lines += values["demands"]
    if values["note"]:
        lines.append(f"Note: {values['note']}")
    if values["published"]:
        lines.append("This authority publishes filings, or parts of them.")
    lines.append("Marks: * mandatory, (public) may become public.")
    if values["missing"]:
        lines.append(f"MISSING ({len(values['missing'])}):")
        lines.extend(f"  {m['number']} {m['label']}: {', '.join(m['parts'])}" for m in values["missing"])
    if values["changes"]:
        lines.append("CHANGES since the version that was sent:")
        lines.extend(f"  {change}" for change in values["changes"])
    for section in values["sections"]:
        lines += ["", f"=== {section['number']} {section['title']}".rstrip()]
        for entry in section["fields"]:
            lines += ["", *_sheet_field(entry)]
    return "\n".join(lines) + "\n"


def _sheet_field(entry: dict[str, Any]) -> list[str]:
    marks = (" *" if entry["must"] else "") + (" (public)" if entry["public"] else "")
    english = f" / {entry['english']}" if entry["english"] else ""
    lines = [f"[{entry['number']}] {entry['label']}{english}{marks}"]
    lines += [f"  ! {problem}" for problem in entry["problems"]]
    lines += [f"  ! missing: {part}" for part in entry["missing"]]
    lines.append(entry["text"] or ("-" if entry["asked"] else "(not asked here)"))
    return lines
