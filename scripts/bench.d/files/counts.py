"""Counts what a tool has written, from its files: rows that passed, and rejected rows
for each check.

    counts.py PASSED REJECTED COLUMN

PASSED and REJECTED are globs; COLUMN of the rejected rows says why.
"""

import json
import sys

import polars as pl

# What the reasons of Tidemark are called here.
NAMES = {"required": "null", "unique:transaction_id": "unique", "reference:account_id": "reference", "range:amount": "range"}


def main(passed, rejected, column):
    rows = pl.scan_parquet(passed, hive_partitioning=False).select(pl.len()).collect().item()
    reasons = pl.scan_parquet(rejected).group_by(column).len().collect().rows()
    counts = {NAMES.get(reason, reason): n for reason, n in reasons}
    print(json.dumps({"written": rows, **counts}))


if __name__ == "__main__":
    main(*sys.argv[1:])
