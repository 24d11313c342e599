"""Reads a table of a lake with three readers and compares what they saw.

Each reader gets a plain glob. What it gives is turned, by its Arrow type, into
canonical text: integers as digits, decimals with all places of their scale,
timestamps as microseconds since 1970 in UTC, dates as days, floats as the bits of
IEEE 754, binary as hexadecimal digits. Rows are in the order of where they come
from, so that the order in which files were read does not matter.
"""

import glob
import hashlib
import json
import sys

import duckdb
import polars
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

ORIGIN = ("_topic", "_partition", "_offset", "_file", "_line")


def fail(text):
    sys.exit("readers: " + text)


def with_duckdb(pattern, where=None):
    query = f"SELECT * FROM read_parquet('{pattern.replace(chr(39), chr(39) * 2)}', hive_partitioning = false)"
    if where:
        column, op, value = where
        query += f' WHERE "{column}" {op} {literal(value)}'
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        return db.execute(query).to_arrow_table()


def with_pyarrow(pattern, where=None):
    data = ds.dataset(files(pattern), format="parquet", partitioning=None)
    if where:
        column, op, value = where
        return data.to_table(filter=compare(pc.field(column), op, value))
    return data.to_table()


def with_polars(pattern, where=None):
    data = polars.scan_parquet(pattern, hive_partitioning=False)
    if where:
        column, op, value = where
        data = data.filter(compare(polars.col(column), op, value.as_py()))
    return data.collect().to_arrow()


READERS = {"duckdb": with_duckdb, "pyarrow": with_pyarrow, "polars": with_polars}


def united_duckdb(pattern):
    query = f"SELECT * FROM read_parquet('{pattern.replace(chr(39), chr(39) * 2)}', hive_partitioning = false, union_by_name = true)"
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        return by_name(db.execute(query).to_arrow_table())


def united_pyarrow(pattern):
    found = files(pattern)
    schema = pa.unify_schemas([pq.read_schema(f).remove_metadata() for f in found])
    return by_name(ds.dataset(found, schema=schema, format="parquet", partitioning=None).to_table())


def united_polars(pattern):
    schema = {}
    for f in files(pattern):
        schema |= polars.read_parquet_schema(f)
    return by_name(polars.scan_parquet(pattern, schema=schema, missing_columns="insert", hive_partitioning=False).collect().to_arrow())


def by_name(table):
    """The columns in the order of their names: readers unite them in orders of their own."""
    return table.select(sorted(table.column_names))


UNITED = {"duckdb": united_duckdb, "pyarrow": united_pyarrow, "polars": united_polars}


def files(pattern):
    found = sorted(glob.glob(pattern, recursive=True))
    if not found:
        fail(f"no file is at {pattern}")
    return found


def literal(value):
    """A pyarrow scalar as SQL."""
    if pa.types.is_timestamp(value.type):
        return f"make_timestamptz({value.value})"
    if pa.types.is_date(value.type):
        return f"DATE '{value.as_py()}'"
    if pa.types.is_string(value.type):
        return "'" + value.as_py().replace("'", "''") + "'"
    if pa.types.is_floating(value.type):
        return f"'{value.as_py()}'::DOUBLE"
    return str(value.as_py())


def compare(left, op, right):
    match op:
        case "=":
            return left == right
        case "<":
            return left < right
        case ">":
            return left > right
        case "<=":
            return left <= right
        case ">=":
            return left >= right
    fail(f"operator {op} is not one of = < > <= >=")


class Full:
    """A column that is compared as a whole: the answer is how many rows match."""

    def __init__(self, column):
        self.column = column

    def count(self, compute, value):
        return pc.sum(compute(self.column, value)).as_py() or 0

    def __eq__(self, value):
        return self.count(pc.equal, value)

    def __lt__(self, value):
        return self.count(pc.less, value)

    def __gt__(self, value):
        return self.count(pc.greater, value)

    def __le__(self, value):
        return self.count(pc.less_equal, value)

    def __ge__(self, value):
        return self.count(pc.greater_equal, value)


def kind(t):
    """The name of an Arrow type, one name for the forms that readers choose."""
    if pa.types.is_string(t) or pa.types.is_large_string(t) or t == pa.string_view():
        return "string"
    if pa.types.is_binary(t) or pa.types.is_large_binary(t) or t == pa.binary_view():
        return "binary"
    if pa.types.is_timestamp(t):
        return f"timestamp[{t.unit},{t.tz}]"
    if pa.types.is_decimal(t):
        return f"decimal({t.precision},{t.scale})"
    if pa.types.is_map(t):  # Polars has no maps, but lists of pairs
        return f"list<struct<key:{kind(t.key_type)},value:{kind(t.item_type)}>>"
    if pa.types.is_list(t) or pa.types.is_large_list(t):
        return f"list<{kind(t.value_type)}>"
    if pa.types.is_struct(t):
        return "struct<" + ",".join(f"{f.name}:{kind(f.type)}" for f in t) + ">"
    return str(t)


def held(array):
    """The values of an array of lists, maps or structs, of which those within are text."""
    t = array.type
    if pa.types.is_struct(t):
        parts = [within(array.field(i)) for i in range(t.num_fields)]
        rows = [dict(zip([f.name for f in t], values)) for values in zip(*parts)]
    else:
        if pa.types.is_map(t):
            inner = [{"key": k, "value": v} for k, v in zip(within(array.keys), within(array.items))]
        else:
            inner = within(array.values)
        ends = array.offsets.to_pylist()
        rows = [inner[a:b] for a, b in zip(ends, ends[1:])]
    return [row if there else None for row, there in zip(rows, array.is_valid().to_pylist())]


def within(array):
    if pa.types.is_nested(array.type):
        return held(array)
    return canonical(pa.chunked_array([array]))


def canonical(column):
    """The values of a column as text; null is None."""
    name, out = kind(column.type), []
    if pa.types.is_nested(column.type):
        values = [v for chunk in column.chunks for v in held(chunk)]
        return [v if v is None else json.dumps(v, ensure_ascii=False, separators=(",", ":")) for v in values]
    for chunk in column.chunks:
        if name.startswith("timestamp"):
            values = chunk.view(pa.int64()).to_pylist()
        elif name == "date32[day]":
            values = chunk.view(pa.int32()).to_pylist()
        elif name == "double":
            values = [v if v is None else f"{v & (1 << 64) - 1:016x}" for v in chunk.view(pa.int64()).to_pylist()]
        elif name == "float":
            values = [v if v is None else f"{v & (1 << 32) - 1:08x}" for v in chunk.view(pa.int32()).to_pylist()]
        elif name == "binary":
            values = [v if v is None else v.hex() for v in chunk.to_pylist()]
        elif name == "bool":
            values = [v if v is None else str(v).lower() for v in chunk.to_pylist()]
        elif name.startswith("decimal"):
            values = [v if v is None else format(v, "f") for v in chunk.to_pylist()]
        else:
            values = chunk.to_pylist()
        out.extend(v if v is None else str(v) for v in values)
    return out


def rows_of(table):
    """The rows as JSON lines, by origin."""
    names = table.column_names
    columns = [canonical(table.column(n)) for n in names]
    keys = [columns[names.index(n)] for n in ORIGIN if n in names]
    number = len(columns[0]) if columns else 0
    order = sorted(range(number), key=lambda i: [(v is not None, len(v or ""), v or "") for v in (k[i] for k in keys)])
    for a, b in zip(order, order[1:]):
        if keys and all(k[a] == k[b] for k in keys):
            fail(f"two rows come from the same place: {[k[a] for k in keys]}")
    return [json.dumps({n: c[i] for n, c in zip(names, columns)}, ensure_ascii=True) for i in order]


def check(pattern, readers):
    """Reads with all readers and fails at the first difference. Gives the rows."""
    seen, first = {}, None
    for name, read in readers.items():
        table = read(pattern)
        types = {n: kind(t) for n, t in zip(table.schema.names, table.schema.types)}
        rows = rows_of(table)
        digest = hashlib.sha256("\n".join([json.dumps(types), *rows]).encode()).hexdigest()
        print(f"{name:8} {len(rows)} rows  {digest[:16]}", file=sys.stderr)
        seen[name] = types, rows
        first = first or name
        if seen[first][0] != types:
            fail(f"{name} sees other columns than {first}:\n{types}\n{seen[first][0]}")
        if len(seen[first][1]) != len(rows):
            fail(f"{name} sees {len(rows)} rows, {first} {len(seen[first][1])}")
        for a, b in zip(seen[first][1], rows):
            if a != b:
                fail(f"a row differs:\n{first}: {a}\n{name}: {b}")
    return seen[first][1]


def find(pattern, column, op, text):
    """Counts rows by a condition that readers push down, against a full read."""
    table = with_pyarrow(pattern)
    t = table.schema.field(column).type
    value = pa.scalar(int(text), pa.int64()).cast(t) if pa.types.is_timestamp(t) else pa.scalar(text).cast(t)
    there = compare(Full(table[column]), op, value)
    # DuckDB and Polars order NaN above all numbers, pyarrow outside of them.
    nans = pc.is_nan(table[column]).fill_null(False).to_pylist().count(True) if pa.types.is_floating(t) and op[0] == ">" else 0
    for name, read in READERS.items():
        got = read(pattern, (column, op, value)).num_rows
        want = there if name == "pyarrow" else there + nans
        if got != want:
            fail(f"{name} finds {got} rows with {column} {op} {text}, {want} are there")
    print(there)


def main():
    verb, lake, table, *rest = sys.argv[1:] + [""] * (3 - len(sys.argv[1:]))
    if not lake or not table:
        fail("name the lake and the table")
    pattern = f"{lake}/{table}/**/*.parquet"
    files(pattern)
    if verb == "find":
        if not rest or len(rest) % 3:
            fail("name a column, an operator and a value, once or more")
        for i in range(0, len(rest), 3):
            find(pattern, *rest[i : i + 3])
        return
    rows = check(pattern, UNITED if verb == "unite" else READERS)
    if verb != "check":
        sys.stdout.writelines(row + "\n" for row in rows)


main()
