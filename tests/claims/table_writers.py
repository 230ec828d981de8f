"""Writers of tables as programs and people write them; each takes rows of texts and gives a file's text."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Callable, Sequence
from functools import partial
from xml.sax.saxutils import escape, quoteattr

from pasted_writers import PASTED, cards, directory

Row = dict[str, str]
Writer = Callable[[Sequence[Row]], str]


def delimited(delimiter: str, quoting: int = csv.QUOTE_MINIMAL, end: str = "\n") -> Writer:
    def write(rows: Sequence[Row]) -> str:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
        writer.writerows([list(rows[0]), *([*row.values()] for row in rows)])
        return out.getvalue()

    return write


def json_lines(rows: Sequence[Row]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def json_array(rows: Sequence[Row]) -> str:
    return json.dumps(list(rows), ensure_ascii=False, indent=1)


def json_after_members(rows: Sequence[Row]) -> str:
    """Return pages as web interfaces give them: counts and links before and after the rows."""
    return json.dumps(
        {"count": len(rows), "links": {"next": None, "last": "/p/9"}, "result": {"rows": list(rows)}, "ok": 1}
    )


def elasticsearch(rows: Sequence[Row]) -> str:
    hits = [{"_index": "c", "_id": str(n), "_score": 1.0, "_source": row} for n, row in enumerate(rows)]
    return json.dumps({"took": 3, "timed_out": False, "hits": {"total": {"value": len(rows)}, "hits": hits}})


def bulk(rows: Sequence[Row]) -> str:
    return "".join(f'{{"index":{{"_index":"c","_id":"{n}"}}}}\n{json.dumps(row)}\n' for n, row in enumerate(rows))


def keyed_map(rows: Sequence[Row]) -> str:
    return json.dumps({"users": {f"-Nx{n:05}": row for n, row in enumerate(rows)}})


def pandas_split(rows: Sequence[Row]) -> str:
    return json.dumps(
        {"columns": list(rows[0]), "index": list(range(len(rows))), "data": [list(row.values()) for row in rows]}
    )


def pandas_columns(rows: Sequence[Row]) -> str:
    return json.dumps({name: {str(n): row[name] for n, row in enumerate(rows)} for name in rows[0]})


def graphql(rows: Sequence[Row]) -> str:
    return json.dumps({"data": {"customers": {"edges": [{"node": row, "cursor": "x"} for row in rows]}}})


def python_repr(rows: Sequence[Row]) -> str:
    return "".join(f"{row!r}\n" for row in rows)


def mongo_shell(rows: Sequence[Row]) -> str:
    parts = []
    for n, row in enumerate(rows):
        members = ", ".join(f'"{name}" : {json.dumps(value, ensure_ascii=False)}' for name, value in row.items())
        parts.append(f'{{ "_id" : ObjectId("{n:024x}"), {members}, "at" : ISODate("2025-01-01T00:00:00Z") }}\n')
    return "".join(parts)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def insert(opening: str, row_end: str = ",\n", prefix: str = "") -> Writer:
    """Return a writer of INSERT statements with many rows."""

    def write(rows: Sequence[Row]) -> str:
        values = row_end.join(f"({', '.join(prefix + _quoted(value) for value in row.values())})" for row in rows)
        return f"{opening.format(', '.join(rows[0]))} VALUES\n{values};\n"

    return write


def server_script(rows: Sequence[Row]) -> str:
    """Return what SQL Server Management Studio writes: a statement for each row, and GO."""
    head = "USE [Shop]\nGO\nSET IDENTITY_INSERT [dbo].[Customer] ON\n"
    names = ", ".join(f"[{name}]" for name in rows[0])
    lines = [
        f"INSERT [dbo].[Customer] ({names}, [at]) VALUES ({', '.join('N' + _quoted(cell) for cell in row.values())},"
        " CAST(N'2025-01-01T10:00:00.0000000' AS DateTime2))\n"
        for row in rows
    ]
    return head + "".join(lines) + "GO\n"


def insert_all(rows: Sequence[Row]) -> str:
    names = ", ".join(name.upper() for name in rows[0])
    into = "".join(f"  INTO CUSTOMER ({names}) VALUES ({', '.join(map(_quoted, row.values()))})\n" for row in rows)
    return f"INSERT ALL\n{into}SELECT * FROM dual;\n"


def union_all(rows: Sequence[Row]) -> str:
    selects = "\nUNION ALL\n".join(f"SELECT {', '.join(map(_quoted, row.values()))}" for row in rows)
    return f"INSERT INTO customer ({', '.join(rows[0])})\n{selects};\n"


def copy_block(rows: Sequence[Row]) -> str:
    lines = "".join("\t".join(row.values()) + "\n" for row in rows)
    return f"COPY public.customer ({', '.join(rows[0])}) FROM stdin;\n{lines}\\.\n"


def html_table(rows: Sequence[Row]) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td id=x>{html.escape(cell)}</td>" for cell in row.values()) + "</tr>\n" for row in rows
    )
    top = "<html><head><meta charset='utf-8'><title>Export</title></head><body><h1>Customers</h1>"
    return f"{top}<table><tr>{head}</tr>\n{body}</table></body></html>"


def xml_elements(rows: Sequence[Row]) -> str:
    body = "".join(
        "<customer>" + "".join(f"<{name}>{escape(value)}</{name}>" for name, value in row.items()) + "</customer>\n"
        for row in rows
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<export by="crm">\n{body}</export>\n'


def xml_attributes(rows: Sequence[Row]) -> str:
    body = "".join(
        "<row " + " ".join(f"{name}={quoteattr(value)}" for name, value in row.items()) + "/>\n" for row in rows
    )
    return f"<rows>\n{body}</rows>\n"


def spreadsheet_2003(rows: Sequence[Row]) -> str:
    def cells(values: Sequence[str]) -> str:
        return "".join(f'<Cell><Data ss:Type="String">{escape(value)}</Data></Cell>' for value in values)

    body = "".join(f"<Row>{cells(list(row.values()))}</Row>\n" for row in rows)
    return (
        '<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n'
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
        'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
        f'<Worksheet ss:Name="Customers"><Table><Row>{cells(list(rows[0]))}</Row>\n{body}'
        "</Table></Worksheet></Workbook>"
    )


def box(rows: Sequence[Row]) -> str:
    """Return what the clients of MySQL and MariaDB print."""
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}
    rule = "+" + "+".join("-" * (width + 2) for width in widths.values()) + "+\n"
    line = "|" + "|".join(f" {{{name}:<{width}}} " for name, width in widths.items()) + "|\n"
    body = "".join(line.format(**row) for row in rows)
    return f"{rule}{line.format(**{name: name for name in widths})}{rule}{body}{rule}{len(rows)} rows in set\n"


def key_value_log(rows: Sequence[Row]) -> str:
    return "".join(
        "2025-01-01 sync " + " ".join(f'{name}="{cell}"' for name, cell in row.items()) + "\n" for row in rows
    )


def labelled(rows: Sequence[Row]) -> str:
    return "\n".join("".join(f"{name}: {value}\n" for name, value in row.items()) for row in rows)


WRITERS: dict[str, Writer] = {
    "comma": delimited(","),
    "semicolon, all quoted": delimited(";", csv.QUOTE_ALL, "\r\n"),
    "tab": delimited("\t"),
    "pipe": delimited("|"),
    "tilde": delimited("~"),
    "control": delimited("\x01"),
    "json lines": json_lines,
    "json array": json_array,
    "json after members": json_after_members,
    "elasticsearch": elasticsearch,
    "bulk": bulk,
    "map": keyed_map,
    "pandas split": pandas_split,
    "pandas columns": pandas_columns,
    "graphql": graphql,
    "python": python_repr,
    "mongo shell": mongo_shell,
    "mysql": insert("INSERT INTO `customer` ({})"),
    "mysql ignore": insert("INSERT IGNORE INTO customer ({})", ","),
    "postgresql": insert('INSERT INTO public."customer" ({})', prefix="E"),
    "without into": insert("INSERT dbo.customer ({})"),
    "server script": server_script,
    "insert all": insert_all,
    "union all": union_all,
    "copy": copy_block,
    "html": html_table,
    "xml elements": xml_elements,
    "xml attributes": xml_attributes,
    "spreadsheet 2003": spreadsheet_2003,
    "box": box,
    "log": key_value_log,
    "labelled": labelled,
    **{
        name: PASTED[name]
        for name in (
            "blocks with signs",
            "lines of pairs, semicolons",
            "psql expanded",
            "mysql vertical",
            "psql",
            "columns of a width",
            "double pipes",
            "wrapped lines",
        )
    },
    "vcard 2.1": cards("2.1", long=False),
    "vcard 4.0": cards("4.0", long=False),
    "ldif": partial(directory, long=False),
}
