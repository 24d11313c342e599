"""Makes what scripts/bench-files reads, once: the events as NDJSON and CSV, plain and
zstd, with some faults of each kind that the checks look for, and the accounts.

    inputs.py BINARY DIR ROWS
"""

import glob
import json
import os
import shutil
import subprocess
import sys

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

ACCOUNTS = 100_000
EVERY = 1000  # of so many rows one is faulty
END = "2026-11-23"


def spoil(row, i):
    """The i-th row with one fault, the kinds in turn. Ids are numbered: one that occurs
    twice was there half as many rows into the file, in a row without a fault."""
    kind = i // EVERY % 5
    if kind == 0:
        row["amount"] = -1.5
    elif kind == 1:
        row["transaction_id"] -= i - (i // 2 - 1)
    elif kind == 2:
        row["account_id"] += ACCOUNTS
    elif kind == 3:
        row["transaction_date"] = None
    else:
        row["transaction_type"] = "GIFT"


def as_csv(row):
    return ",".join("" if v is None else f"{v:.2f}" if isinstance(v, float) else str(v) for v in row.values())


def make_events(binary, folder, rows):
    """The CSV file says what the NDJSON file says, line by line."""
    raw = {}
    for form in ("json", "csv"):
        subprocess.run(
            [binary, "generate", "--rows", str(rows), "--keys", str(ACCOUNTS), "--bad", "0", "--end", END, "--format", form, "--to", f"{folder}/raw-{form}"],
            check=True, stderr=subprocess.DEVNULL,
        )
        raw[form] = sorted(glob.glob(f"{folder}/raw-{form}/*"))
    lines, fields = read(raw["json"]), read(raw["csv"], header=True)
    with open(f"{folder}/events.ndjson", "w") as ndjson, open(f"{folder}/events.csv", "w") as csv:
        csv.write(next(fields))
        for i, (line, field) in enumerate(zip(lines, fields, strict=True)):
            if i % EVERY == EVERY - 1:
                row = json.loads(line)
                spoil(row, i)
                line, field = json.dumps(row, separators=(",", ":")) + "\n", as_csv(row) + "\n"
            ndjson.write(line)
            csv.write(field)
    for form in ("json", "csv"):
        shutil.rmtree(f"{folder}/raw-{form}")


def read(paths, header=False):
    """The lines of files, one header for all of them."""
    for n, path in enumerate(paths):
        with open(path) as f:
            if header and n > 0:
                next(f)
            yield from f


def pack(path):
    with open(path, "rb") as source, pa.CompressedOutputStream(path + ".zst", "zstd") as packed:
        shutil.copyfileobj(source, packed, 1 << 20)


def make_accounts(folder):
    ids = range(1, ACCOUNTS + 1)
    table = pa.table({
        "account_id": pa.array(ids, pa.int64()),
        "customer_id": pa.array(ids, pa.int64()),
        "account_type": pa.array(["CHECKING"] * ACCOUNTS),
        "balance": pa.array(["100.00"] * ACCOUNTS),
        "created_at": pa.array(["2020-01-01T00:00:00Z"] * ACCOUNTS),
    })
    pc.write_csv(table, f"{folder}/accounts.csv", pc.WriteOptions(quoting_style="none"))
    pq.write_table(table.select(["account_id"]), f"{folder}/accounts.parquet", compression="zstd")


def main(binary, folder, rows):
    if int(rows) < 5 * EVERY:
        sys.exit(f"bench-files: {rows} rows are too few to have each fault: take {5 * EVERY} or more")
    os.makedirs(folder, exist_ok=True)
    make_events(binary, folder, int(rows))
    pack(f"{folder}/events.ndjson")
    pack(f"{folder}/events.csv")
    make_accounts(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
