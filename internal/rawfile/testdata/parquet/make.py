"""Makes awkward Parquet files, and says what pyarrow reads from them.

make.py FOLDER writes NAME.parquet and NAME.json: one JSON object a line, in the
notation of package rawfile, but for floats, which are "double:" or "float:" and the
hexadecimal notation of their bits. make.py sample FOLDER writes sample.parquet.
"""

import base64
import datetime
import decimal
import json
import random
import sys

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq

UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
rnd = random.Random(7)


def clock(x, unit):
    s, part = divmod(x, unit)
    text = f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}"
    if part:
        text += "." + str(part).zfill(len(str(unit)) - 1).rstrip("0")
    return text


def day(n):
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=n)).isoformat()


def show(v, t, zone):
    """The value of a scalar as it stands in JSON."""
    if not v.is_valid:
        return None
    if isinstance(t, pa.BaseExtensionType):
        return show(v.value, t.storage_type, zone) if not isinstance(t, pa.UuidType) else str(v.as_py())
    if pa.types.is_dictionary(t):
        return show(v.dictionary[v.index.as_py()], t.value_type, zone)
    if pa.types.is_boolean(t) or pa.types.is_integer(t):
        return v.as_py()
    if pa.types.is_float64(t):
        return "double:" + v.as_py().hex()
    if pa.types.is_floating(t):
        return "float:" + float(v.as_py()).hex()
    if pa.types.is_decimal(t):
        return decimal.Decimal(v.as_py())
    if pa.types.is_date32(t):
        return day(v.value)
    if pa.types.is_time(t):
        return clock(v.value, UNITS[t.unit])
    if pa.types.is_timestamp(t):
        unit = UNITS[t.unit]
        days, rest = divmod(v.value, 86400 * unit)
        return day(days) + "T" + clock(rest, unit) + ("Z" if t.tz or zone else "")
    if pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t):
        return v.as_py()
    if pa.types.is_binary(t) or pa.types.is_large_binary(t) or pa.types.is_fixed_size_binary(t):
        return base64.b64encode(v.as_py()).decode()
    if pa.types.is_map(t):
        return {text(show(pair["key"], t.key_type, zone)): show(pair["value"], t.item_type, zone) for pair in v.values or []}
    if pa.types.is_list(t) or pa.types.is_large_list(t) or pa.types.is_fixed_size_list(t):
        return [show(x, t.value_type, zone) for x in v.values]
    if pa.types.is_struct(t):
        return {f.name: show(v[f.name], f.type, zone) for f in t}
    raise TypeError(t)


def text(key):
    return key if isinstance(key, str) else dump(key)


def dump(v):
    if isinstance(v, decimal.Decimal):
        return format(v, "f")
    if isinstance(v, dict):
        return "{" + ",".join(dump(k) + ":" + dump(x) for k, x in v.items()) + "}"
    if isinstance(v, list):
        return "[" + ",".join(map(dump, v)) + "]"
    return json.dumps(v, ensure_ascii=False)


def expect(folder, name, zone=False):
    table = pq.ParquetFile(f"{folder}/{name}.parquet").read()
    with open(f"{folder}/{name}.json", "w") as out:
        columns = [(f.name, f.type, table.column(i)) for i, f in enumerate(table.schema)]
        for row in range(table.num_rows):
            out.write(dump({n: show(c[row], t, zone) for n, t, c in columns}) + "\n")


def sometimes(make, n, nulls):
    return [None if nulls and rnd.random() < 0.3 else make() for _ in range(n)]


def word():
    return rnd.choice(["", "a", 'say "x"\\\n\t\x00\x7f', "Zürich", "\u2028", "𝄞", "payment", "x" * 300]) + rnd.choice(["", str(rnd.randrange(9))])


def digits(p, s):
    return decimal.Decimal(rnd.randrange(-(10**p) + 1, 10**p)).scaleb(-s, decimal.Context(prec=80))


def real():
    return rnd.choice([0.0, -0.0, 0.1, 1e300, 5e-324, 1 / 3, -1e21, 123456789.125, rnd.random()])


FLAT = {
    "bool": (pa.bool_(), lambda: rnd.random() < 0.5),
    "i8": (pa.int8(), lambda: rnd.randrange(-128, 128)),
    "i16": (pa.int16(), lambda: rnd.randrange(-(2**15), 2**15)),
    "i32": (pa.int32(), lambda: rnd.choice([-(2**31), 2**31 - 1, 0, rnd.randrange(1000)])),
    "i64": (pa.int64(), lambda: rnd.choice([-(2**63), 2**63 - 1, 9007199254740993, rnd.randrange(10**6)])),
    "u8": (pa.uint8(), lambda: rnd.randrange(256)),
    "u16": (pa.uint16(), lambda: rnd.randrange(2**16)),
    "u32": (pa.uint32(), lambda: rnd.choice([2**32 - 1, 1])),
    "u64": (pa.uint64(), lambda: rnd.choice([2**64 - 1, 1])),
    "f16": (pa.float16(), lambda: rnd.choice([0.5, -2.25, 65504.0, 6e-8, 0.1])),
    "f32": (pa.float32(), lambda: rnd.choice([0.1, 3e38, 1e-45, -0.0])),
    "f64": (pa.float64(), real),
    "d9": (pa.decimal128(9, 2), lambda: digits(9, 2)),
    "d18": (pa.decimal128(18, 18), lambda: digits(18, 18)),
    "d38": (pa.decimal128(38, 10), lambda: digits(38, 10)),
    "d76": (pa.decimal256(76, 0), lambda: digits(76, 0)),
    "date": (pa.date32(), lambda: datetime.date.fromordinal(rnd.randrange(1, 3652059))),
    "t_ms": (pa.time32("ms"), lambda: rnd.randrange(86400000)),
    "t_us": (pa.time64("us"), lambda: rnd.randrange(86400000000)),
    "t_ns": (pa.time64("ns"), lambda: rnd.randrange(86400000000000)),
    "ts_ms": (pa.timestamp("ms", "UTC"), lambda: rnd.randrange(-(10**13), 10**13)),
    "ts_us": (pa.timestamp("us", "UTC"), lambda: rnd.choice([-1, 0, 1795342530123456, rnd.randrange(-(10**16), 10**16)])),
    "ts_ns": (pa.timestamp("ns", "UTC"), lambda: rnd.randrange(-(10**18), 10**18)),
    "ts_local": (pa.timestamp("us"), lambda: rnd.randrange(-(10**16), 10**16)),
    "str": (pa.string(), word),
    "bin": (pa.binary(), lambda: rnd.randbytes(rnd.randrange(20))),
    "fixed": (pa.binary(5), lambda: rnd.randbytes(5)),
    "uuid": (pa.uuid(), lambda: rnd.randbytes(16)),
    "cat": (pa.dictionary(pa.int32(), pa.string()), lambda: rnd.choice("abc")),
    "nil": (pa.null(), lambda: None),
    'odd "name"\n': (pa.int32(), lambda: 1),
}


def flat(n, nulls):
    return pa.table({k: pa.array(sometimes(make, n, nulls), t) for k, (t, make) in FLAT.items()})


def nested(n):
    def some(make):
        return lambda: None if rnd.random() < 0.2 else [make() for _ in range(rnd.choice([0, 0, 1, 2, 9]))]

    number = lambda: rnd.choice([None, 1, 2**40])
    types = {
        "list": (pa.list_(pa.int64()), some(number)),
        "deep": (pa.list_(pa.list_(pa.list_(pa.string()))), some(some(some(word)))),
        "struct": (pa.struct([("a", pa.int64()), ("b", pa.struct([("c", pa.string()), ("d", pa.list_(pa.int64()))]))]),
                   lambda: rnd.choice([None, {"a": 1, "b": None}, {"a": None, "b": {"c": "x", "d": [1, None]}}, {"a": 3, "b": {"c": None, "d": None}}])),
        "structs": (pa.list_(pa.struct([("x", pa.list_(pa.decimal128(20, 3))), ("y", pa.string())])),
                    some(lambda: rnd.choice([None, {"x": [digits(20, 3)], "y": None}, {"x": [], "y": "q"}, {"x": None, "y": ""}]))),
        "map": (pa.map_(pa.string(), pa.list_(pa.int64())), lambda: rnd.choice([None, [], [("k", None), ('"', [1, 2])], [("z", [])]])),
        "keys": (pa.map_(pa.int64(), pa.string()), lambda: rnd.choice([None, [(1, "x"), (-2, None)]])),
        "three": (pa.list_(pa.int32(), 3), lambda: rnd.choice([None, [1, 2, 3]])),
    }
    table = {k: pa.array([make() for _ in range(n)], t) for k, (t, make) in types.items()}
    required = pa.schema([pa.field("must", pa.list_(pa.field("element", pa.int32(), nullable=False)), nullable=False)])
    return pa.table(table).append_column(required.field(0), pa.array([[1] * rnd.randrange(3) for _ in range(n)], required.field(0).type))


def main(folder):
    def write(name, table, zone=False, **options):
        pq.write_table(table, f"{folder}/{name}.parquet", **options)
        expect(folder, name, zone)

    small = flat(300, True)
    for codec in ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]:
        for version in ["1.0", "2.0"]:
            write(f"codec_{codec}_{version}", small, compression=codec, data_page_version=version, use_dictionary=codec != "gzip", write_page_checksum=True)
            write(f"nested_{codec}_{version}", nested(200), compression=codec, data_page_version=version, data_page_size=500)
    write("full", flat(700, False), row_group_size=97, data_page_size=200)
    write("empty", small.slice(0, 0))
    write("groups", small, row_group_size=1)
    write("old", small.drop_columns(["ts_ns", "t_ns", "u32"]), version="1.0")
    write("short_decimals", pa.table({k: small[k] for k in ["d9", "d18"]}), store_decimal_as_integer=True)
    past = pa.array([rnd.randrange(-(8 * 10**15), 8 * 10**15) for _ in range(300)], pa.timestamp("us"))
    write("int96", pa.table({"ts": past}), True, use_deprecated_int96_timestamps=True)
    for encoding, names in {
        "DELTA_BINARY_PACKED": ["i32", "i64", "ts_us", "u64", "date", "d9", "d18"],
        "DELTA_LENGTH_BYTE_ARRAY": ["str", "bin"],
        "DELTA_BYTE_ARRAY": ["str", "bin", "fixed", "d38"],
        "BYTE_STREAM_SPLIT": ["f16", "f32", "f64", "i32", "i64", "fixed", "d38"],
        "PLAIN": ["i32", "str", "fixed"],
    }.items():
        for n, nulls in [(1, False), (2000, True), (4000, False)]:
            table = pa.table({k: flat(n, nulls)[k] for k in names})
            write(f"{encoding}_{n}", table, use_dictionary=False, column_encoding={k: encoding for k in names}, store_decimal_as_integer=True)
    write("bits", pa.table({"b": small["bool"]}), data_page_version="2.0", use_dictionary=False, column_encoding={"b": "RLE"})
    write("flat_lists", nested(100), use_compliant_nested_type=False)
    many = pa.table({"id": pa.array(range(100_000)), "s": pa.array([str(i % 1000) * 9 for i in range(100_000)])})
    write("many", many, row_group_size=30_000)

    kept = small.drop_columns(["f16", "d76", "uuid", "cat", "nil", "t_ms", "t_ns", "ts_ns", "fixed"])
    duckdb.sql(f"copy kept to '{folder}/duckdb.parquet' (format parquet, row_group_size 2048)")
    expect(folder, "duckdb")
    listed = nested(500).select(["list", "deep", "struct", "structs", "map"])
    duckdb.sql(f"copy listed to '{folder}/duckdb_nested.parquet' (format parquet, parquet_version v2, compression zstd)")
    expect(folder, "duckdb_nested")
    polars.from_arrow(small.drop_columns(["d76", "uuid", "fixed", "f16", "nil"])).write_parquet(f"{folder}/polars.parquet", row_group_size=50)
    expect(folder, "polars")
    polars.from_arrow(nested(300).select(["list", "deep", "struct", "structs"])).write_parquet(f"{folder}/polars_nested.parquet", data_page_size=300)
    expect(folder, "polars_nested")


def sample(folder):
    """A small file with most of what files can have: kept as sample.parquet."""
    table = pa.table({
        "id": pa.array([1, 2, 3], pa.int64()),
        "amount": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("-2.00")], pa.decimal128(18, 2)),
        "name": pa.array(["ann", "bob", "ann"]),
        "tags": pa.array([["a", "b"], [], None], pa.list_(pa.string())),
        "rate": pa.array([0.5, 1.5, None]),
    })
    pq.write_table(table, f"{folder}/sample.parquet", compression="snappy", write_page_checksum=True, row_group_size=2, write_statistics=False, store_schema=False)


if sys.argv[1] == "sample":
    sample(sys.argv[2])
else:
    main(sys.argv[1])
