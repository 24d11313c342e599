"""Reads files as DuckDB and pyarrow read them, and what Tidemark wrote.

On stdin stands a JSON list of jobs, on stdout one of what each gave: rows, each a list
of values written so that equal ones are equal texts; an error instead, where the reader
refuses the file; and of a lake also what was rejected.
"""

import decimal
import glob
import json
import sys

import duckdb
import pyarrow
import pyarrow.compute
import pyarrow.csv
import pyarrow.json

ARROW = {
    "long": pyarrow.int64(),
    "int": pyarrow.int32(),
    "decimal(18,2)": pyarrow.decimal128(18, 2),
    "double": pyarrow.float64(),
    "string": pyarrow.string(),
    "boolean": pyarrow.bool_(),
    "date": pyarrow.date32(),
    "timestamp": pyarrow.timestamp("us", "UTC"),
    "binary": pyarrow.binary(),
}
DUCKDB = {
    "long": "BIGINT",
    "int": "INTEGER",
    "decimal(18,2)": "DECIMAL(18,2)",
    "double": "DOUBLE",
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
}


def written(value, kind):
    """A value as a text."""
    if value is None:
        return "null"
    if kind == "double":
        return repr(value)
    if kind.startswith("decimal"):
        return str(decimal.Decimal(value))
    if kind == "string":
        return json.dumps(value)
    return str(value)


def rows(table, columns):
    """The rows of an Arrow table."""
    out = []
    for name, kind in columns:
        column = table.column(name).combine_chunks()
        if column.type != ARROW[kind] and not (kind == "timestamp" and pyarrow.types.is_timestamp(column.type)):
            column = column.cast(ARROW[kind])
        if kind == "timestamp":
            column = column.cast(ARROW[kind]).cast(pyarrow.int64())
        if kind == "date":
            column = column.cast(pyarrow.int32())
        out.append([written(v, kind) for v in column.to_pylist()])
    return [list(r) for r in zip(*out)]


def arrow_of(relation):
    return relation.to_arrow_table()


def read_duckdb(con, job):
    columns = {name: DUCKDB[kind] for name, kind in job["columns"]}
    if job["format"] == "json":
        return arrow_of(con.sql("FROM read_json($path, columns=%s)" % struct(columns), params={"path": job["path"]}))
    s = job["settings"]
    options = {
        "columns": struct(columns),
        "auto_detect": "false",
        "header": "false" if s["no_header"] else "true",
        "delim": text(s["separator"]),
        "quote": text(s["quote"]),
        "escape": text(s["quote"]),
        "nullstr": "[%s]" % ", ".join(text(n) for n in s["null"]),
        "allow_quoted_nulls": "false",
        "encoding": text(s["encoding"]),
    }
    if s["decimal_comma"]:
        options["decimal_separator"] = text(",")
    if s["thousands"]:
        options["thousands"] = text(s["thousands"])
    if s["strftime"]:
        options["dateformat"] = options["timestampformat"] = text(s["strftime"])
    if job.get("max_line"):
        options["max_line_size"] = str(job["max_line"])
    return arrow_of(con.sql("FROM read_csv($path, %s)" % ", ".join("%s=%s" % o for o in options.items()), params={"path": job["path"]}))


def text(s):
    return "'" + s.replace("'", "''") + "'"


def struct(columns):
    return "{%s}" % ", ".join("%s: %s" % (text(k), text(v)) for k, v in columns.items())


def read_pyarrow(_, job):
    schema = pyarrow.schema([(name, ARROW[kind]) for name, kind in job["columns"]])
    if job["format"] == "json":
        parse = pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore", newlines_in_values=job["over_lines"])
        return pyarrow.json.read_json(job["path"], parse_options=parse)
    s = job["settings"]
    names = [name for name, _ in job["columns"]]
    read = pyarrow.csv.ReadOptions(encoding=s["encoding"], column_names=names if s["no_header"] else None)
    parse = pyarrow.csv.ParseOptions(delimiter=s["separator"], quote_char=s["quote"] or False, newlines_in_values=True)
    convert = pyarrow.csv.ConvertOptions(
        column_types=schema,
        null_values=s["null"],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        include_columns=names,
        include_missing_columns=True,
        decimal_point="," if s["decimal_comma"] else ".",
        timestamp_parsers=[s["strftime"]] if s["strftime"] else None,
    )
    return pyarrow.csv.read_csv(job["path"], read_options=read, parse_options=parse, convert_options=convert)


def read_lake(con, job):
    """What a run of Tidemark left in a table, whose folder is the path, and what was rejected."""
    main, rejected = (glob.glob(job["path"] + of + "/**/*.parquet", recursive=True) for of in ("", "_quarantine"))
    result = {"rows": [], "rejected": []}
    query = "SELECT %s FROM read_parquet($files, hive_partitioning=false)"
    if main:
        table = arrow_of(con.sql(query % "*", params={"files": main}))
        result["rows"] = rows(table, job["columns"])
        result["files"] = table.column("_file").to_pylist()
        result["lines"] = table.column("_line").to_pylist()
    if rejected:
        got = con.sql(query % "_reason, _detail, _file, _line, _value", params={"files": rejected}).fetchall()
        result["rejected"] = [
            {"reason": r[0], "detail": r[1], "file": r[2], "line": r[3], "size": len(r[4]), "value": bytes(r[4][:4096]).decode("latin-1")} for r in got
        ]
    return result


def main():
    con = duckdb.connect()
    con.execute("SET TimeZone='UTC'")
    readers = {"duckdb": read_duckdb, "pyarrow": read_pyarrow}
    out = []
    for job in json.load(sys.stdin):
        if job["reader"] == "lake":
            out.append(read_lake(con, job))
            continue
        try:
            out.append({"rows": rows(readers[job["reader"]](con, job), job["columns"])})
        except Exception as e:  # whatever it is: the reader refuses the file
            out.append({"error": "%s: %s" % (type(e).__name__, e)})
    json.dump(out, sys.stdout)


main()
