"""Writes Parquet files that are odd and right, or hold what does not fit, into a folder."""

import datetime
import decimal
import sys

import pyarrow
import pyarrow.parquet

ids = pyarrow.array([1, 2], pyarrow.int64())
at = [datetime.datetime(2026, 1, 2, 3, 4, 5, 678901), None]
wide = pyarrow.decimal128(38, 2)
files = {
    "int96": ({"id": ids, "at": pyarrow.array(at, pyarrow.timestamp("ns"))}, {"use_deprecated_int96_timestamps": True}),
    "no-rows": ({"id": ids[:0], "name": pyarrow.array([], pyarrow.string())}, {}),
    "decimal38": ({"id": ids, "amount": pyarrow.array([decimal.Decimal("12.50"), decimal.Decimal("9" * 30 + ".99")], wide)}, {}),
    "float": ({"id": ids, "amount": pyarrow.array([12.5, 0.1])}, {}),
    "null": ({"id": pyarrow.array([1, None], pyarrow.int64()), "name": pyarrow.array(["x", "y"])}, {}),
}
for name, (columns, options) in files.items():
    pyarrow.parquet.write_table(pyarrow.table(columns), "%s/%s.parquet" % (sys.argv[1], name), **options)
