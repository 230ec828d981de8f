"""Writers of what people paste and address books export; each takes rows of texts and gives a file's text."""

from __future__ import annotations

import base64
import quopri
import textwrap
from collections.abc import Callable, Sequence

Row = dict[str, str]
Writer = Callable[[Sequence[Row]], str]

LABELS = {"id": "Customer ID", "given_name": "First name", "family_name": "Last name", "email": "Email",
          "phone": "Phone", "city": "City"}  # fmt: skip
SIGNS = {"id": "🆔", "given_name": "👤", "family_name": "👪", "email": "📧", "phone": "📱", "city": "🏠"}


def blocks(form: str, *, between: str = "\n", before: str = "", numbered: str = "") -> Writer:
    """Return a writer of one line for each value, in `form`, and blocks kept apart by `between`."""

    def write(rows: Sequence[Row]) -> str:
        parts = []
        for number, row in enumerate(rows, 1):
            lines = [form.format(name=LABELS[name], sign=SIGNS[name], key=name, value=row[name]) for name in row]
            parts.append(numbered.format(number) + "\n".join(lines) + "\n")
        return before + between.join(parts)

    return write


def one_line(form: str, between: str) -> Writer:
    """Return a writer of one line for each row, with names before values."""

    def write(rows: Sequence[Row]) -> str:
        return "".join(
            between.join(form.format(name=LABELS[name], key=name, value=row[name]) for name in row) + "\n"
            for row in rows
        )

    return write


def expanded(rows: Sequence[Row]) -> str:
    r"""Return what psql prints after ``\x``."""
    width = max(map(len, rows[0]))
    parts = []
    for number, row in enumerate(rows, 1):
        head = f"-[ RECORD {number} ]".ljust(width + 1, "-") + "+" + "-" * 30
        parts.append("\n".join([head, *[f"{name:<{width}} | {value}" for name, value in row.items()]]) + "\n")
    return "".join(parts) + "\n"


def vertical(rows: Sequence[Row]) -> str:
    r"""Return what the client of MySQL prints after ``\G``."""
    width = max(map(len, rows[0]))
    stars = "*" * 27
    parts = [
        f"{stars} {number}. row {stars}\n" + "".join(f"{name:>{width}}: {value}\n" for name, value in row.items())
        for number, row in enumerate(rows, 1)
    ]
    return "".join(parts) + f"{len(rows)} rows in set (0.00 sec)\n\n"


def lined(rows: Sequence[Row]) -> str:
    """Return what SQLite prints in the mode ``line``."""
    width = max(map(len, rows[0]))
    return "\n".join("".join(f"{name:>{width}} = {value}\n" for name, value in row.items()) for row in rows)


def format_list(rows: Sequence[Row]) -> str:
    """Return what PowerShell's Format-List prints: long values go on below themselves."""
    width = max(map(len, rows[0]))
    parts = []
    for row in rows:
        lines = []
        for name, value in {
            **row,
            "remark": "asked twice for the catalogue and never had any answer from us",
        }.items():
            pieces = textwrap.wrap(value, 40) or [""]
            lines.append(f"{name:<{width}} : {pieces[0]}")
            lines.extend(" " * (width + 3) + piece for piece in pieces[1:])
        parts.append("\n".join(lines) + "\n")
    return "\n" + "\n".join(parts) + "\n"


def mail_like(rows: Sequence[Row]) -> str:
    """Return forms that a web site mailed: headers, folded values, and a line between."""
    parts = [
        "".join(f"{LABELS[name]}: {value}\n" for name, value in row.items())
        + "Message: please send me\n  the catalogue of this year\n"
        for row in rows
    ]
    return ("-" * 40 + "\n").join(parts)


def psql(rows: Sequence[Row]) -> str:
    """Return what psql prints."""
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}
    head = "|".join(f" {name:^{width}} " for name, width in widths.items())
    rule = "+".join("-" * (width + 2) for width in widths.values())
    body = "".join("|".join(f" {row[name]:<{width}} " for name, width in widths.items()) + "\n" for row in rows)
    return f"{head}\n{rule}\n{body}({len(rows)} rows)\n\n"


def drawn_box(rows: Sequence[Row]) -> str:
    """Return a box of drawn lines, as SQLite and psql print."""
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}

    def rule(left: str, middle: str, right: str) -> str:
        return left + middle.join("─" * (width + 2) for width in widths.values()) + right + "\n"

    def line(row: Row) -> str:
        return "│" + "│".join(f" {row[name]:<{width}} " for name, width in widths.items()) + "│\n"

    head = rule("┌", "┬", "┐") + line({name: name for name in widths}) + rule("├", "┼", "┤")
    return head + "".join(map(line, rows)) + rule("└", "┴", "┘")


def sqlmap(rows: Sequence[Row]) -> str:
    """Return what sqlmap prints: a box for each of several tables, with its name above."""
    parts = []
    for start in range(0, len(rows), 4):
        some = rows[start : start + 4]
        widths = {name: max(len(name), *(len(row[name]) for row in some)) for name in some[0]}
        rule = "+" + "+".join("-" * (width + 2) for width in widths.values()) + "+\n"
        lines = "".join("| " + " | ".join(f"{row[name]:<{widths[name]}}" for name in row) + " |\n" for row in some)
        head = "| " + " | ".join(f"{name:<{width}}" for name, width in widths.items()) + " |\n"
        title = f"Database: shop{start}\nTable: customer\n[{len(some)} entries]\n"
        parts.append(title + rule + head + rule + lines + rule)
    return "\n".join(parts)


def markdown_table(rows: Sequence[Row]) -> str:
    head = "| " + " | ".join(rows[0]) + " |\n|" + "|".join(":---" for _ in rows[0]) + "|\n"
    return "# Customers\n\n" + head + "".join("| " + " | ".join(row.values()) + " |\n" for row in rows)


def columns_of_width(rows: Sequence[Row]) -> str:
    """Return what sqlcmd and SQL*Plus print: columns of a width, and a rule of dashes below their names."""
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}
    head = " ".join(f"{name:<{width}}" for name, width in widths.items())
    rule = " ".join("-" * width for width in widths.values())
    body = "".join(" ".join(f"{row[name]:<{width}}" for name, width in widths.items()) + "\n" for row in rows)
    return f"{head}\n{rule}\n{body}\n({len(rows)} rows affected)\n"


def padded_pipes(rows: Sequence[Row]) -> str:
    return "".join(" | ".join(cells) + "\n" for cells in [list(rows[0]), *[list(row.values()) for row in rows]])


def many_signs(delimiter: str) -> Writer:
    def write(rows: Sequence[Row]) -> str:
        return "".join(delimiter.join(cells) + "\n" for cells in [list(rows[0]), *[list(r.values()) for r in rows]])

    return write


def wrapped_lines(rows: Sequence[Row]) -> str:
    """Return lines of CSV that a spreadsheet took for one cell each."""
    lines = [list(rows[0]), *[list(row.values()) for row in rows]]
    inside = [",".join(f'"{cell}"' if " " in cell else cell for cell in cells) for cells in lines]
    return "".join('"' + line.replace('"', '""') + '"\n' for line in inside)


def single_quoted(rows: Sequence[Row]) -> str:
    lines = [list(rows[0]), *[list(row.values()) for row in rows]]
    return "".join(",".join("'" + cell.replace("'", "''") + "'" for cell in cells) + "\n" for cells in lines)


def concordance(rows: Sequence[Row]) -> str:
    lines = [list(rows[0]), *[list(row.values()) for row in rows]]
    return "".join("\x14".join(f"þ{cell}þ" for cell in cells) + "\r\n" for cells in lines)


def _folded(line: str, width: int = 75) -> str:
    """Fold a line after so many bytes, as RFC 2849 and RFC 6350 have it; never within a letter."""
    pieces, piece = [], ""
    for letter in line:
        if len((piece + letter).encode()) > width:
            pieces.append(piece)
            piece = " "
        piece += letter
    return "\n".join([*pieces, piece])


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")


_LONG = [
    _folded("NOTE:" + "asked for the catalogue\\, twice\\n" * 4),
    "PHOTO;ENCODING=b;TYPE=JPEG:" + "\n ".join(textwrap.wrap("QUJD" * 60, 70)),
]


def cards(version: str, *, long: bool = True) -> Writer:
    """Return a writer of vCards, with long values that are folded or without them."""

    def write(rows: Sequence[Row]) -> str:
        return "".join(_card(row, version, long=long) for row in rows)

    return write


def _card(row: Row, version: str, *, long: bool) -> str:
    given, family = row["given_name"], row["family_name"]
    phone, types = row["phone"], {"2.1": ";CELL;VOICE", "3.0": ";TYPE=CELL,VOICE", "4.0": ';TYPE="cell,voice"'}
    mail = {"2.1": ";INTERNET", "3.0": ";TYPE=INTERNET;TYPE=HOME", "4.0": ";PREF=1"}
    lines = ["BEGIN:VCARD", f"VERSION:{version}"]
    if version == "2.1":
        coded = quopri.encodestring(f"{family};{given};;;".encode(), quotetabs=True).decode()
        lines.append(f"N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:{coded}")
    else:
        lines += [_folded(f"N:{_escaped(family)};{_escaped(given)};;;"), f"FN:{_escaped(given + ' ' + family)}"]
    lines += [
        f"item1.EMAIL{mail[version]}:{row['email']}",
        f"TEL{types[version]}{';VALUE=uri' if version == '4.0' else ''}:{'tel:' if version == '4.0' else ''}{phone}",
        f"ADR{';HOME' if version == '2.1' else ';TYPE=home'}:;;1 Some Street;{_escaped(row['city'])};;01067;DE",
        f"UID:{row['id']}",
        *(_LONG if long else ["NOTE:once"]),
        "END:VCARD",
    ]
    return "\r\n".join("\n".join(lines).split("\n")) + "\r\n"


def directory(rows: Sequence[Row], *, long: bool = True) -> str:
    """Return LDIF, as slapcat and ldapsearch write it, with long values that are folded or without them."""
    parts = [
        "version: 1\n",
        "# the people of the house\n",
        "dn: dc=example,dc=org\nobjectClass: top\nobjectClass: domain\n",
    ]
    for row in rows:
        values = {"objectClass": "inetOrgPerson", "uid": row["id"], "givenName": row["given_name"],
                  "sn": row["family_name"], "cn": f"{row['given_name']} {row['family_name']}", "mail": row["email"],
                  "mobile": row["phone"], "l": row["city"], "description": "x" * (100 if long else 10)}  # fmt: skip
        lines = [f"dn: uid={row['id']},ou=people,dc=example,dc=org"]
        for name, value in values.items():
            is_plain = value.isascii() and not value.startswith((" ", ":", "<"))
            coded = base64.b64encode(value.encode()).decode()
            lines.append(_folded(f"{name}: {value}" if is_plain else f"{name}:: {coded}", 76))
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


PASTED: dict[str, Writer] = {
    "blocks": blocks("{name}: {value}"),
    "blocks with bullets": blocks("• {name}: {value}"),
    "blocks with dashes": blocks("- {name}: {value}"),
    "blocks with signs": blocks(
        "{sign} {name}: {value}", between="━━━━━━━━━━━━━━\n", before="🔥 ALL OF IT 🔥 @channel\n\n"
    ),
    "blocks with signs alone": blocks("{sign} {value}"),
    "blocks with signs behind": blocks("{name} {sign}: {value}"),
    "blocks in Markdown": blocks("**{name}:** {value}", numbered="### Record {}\n\n"),
    "blocks in Markdown lists": blocks("* **{name}**: `{value}`", between="\n---\n\n"),
    "blocks with equals signs": blocks("{key}={value}"),
    "blocks with arrows": blocks("{name} => {value}"),
    "blocks with tabs": blocks("{name}:\t{value}", between="\n\n"),
    "blocks with dots": blocks("{name}........: {value}"),
    "blocks numbered": blocks("{name} : {value}", numbered="[{}]\n", between=""),
    "blocks quoted": blocks("> {name}: {value}", between=">\n"),
    "blocks without lines between": blocks("{name}: {value}", between=""),
    "lines of labels": one_line("{name}: {value}", " | "),
    "lines of labels, commas": one_line("{name}: {value}", ", "),
    "lines of pairs": one_line("{key}={value}", " "),
    "lines of pairs, semicolons": one_line("{key}={value}", "; "),
    "lines of pairs, pipes": one_line("{key}={value}", "|"),
    "psql": psql,
    "psql expanded": expanded,
    "mysql vertical": vertical,
    "sqlite lines": lined,
    "powershell": format_list,
    "mail": mail_like,
    "drawn box": drawn_box,
    "sqlmap": sqlmap,
    "markdown table": markdown_table,
    "columns of a width": columns_of_width,
    "padded pipes": padded_pipes,
    "double pipes": many_signs("||"),
    "double colons": many_signs("::"),
    "double semicolons": many_signs(";;"),
    "tilde and pipe": many_signs("~|~"),
    "hash": many_signs("#|#"),
    "quotes between": many_signs('","'),
    "wrapped lines": wrapped_lines,
    "single quotes": single_quoted,
    "concordance": concordance,
    "vcard 2.1": cards("2.1"),
    "vcard 3.0": cards("3.0"),
    "vcard 4.0": cards("4.0"),
    "ldif": directory,
}
