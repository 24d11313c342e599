"""What DuckDB reads by a plain glob, and what is wrong with it."""

import glob
import os
import re
from typing import NamedTuple

import duckdb

# Rows, different origins, and one number for what the different rows say, whatever
# their order.
QUERY = """
SELECT count(*), count(DISTINCT (_partition, _offset)), (
  SELECT coalesce(bit_xor(hash(r)), 0) FROM (
    SELECT DISTINCT _partition, _offset, transaction_id, amount, transaction_date, merchant FROM {source}) r)
FROM {source}"""


class Reading(NamedTuple):
    """What a reader got. Where error is set the glob gave nothing, and the numbers
    are those of the readable files, read one by one."""

    rows: int
    origins: int
    digest: int
    error: str
    unreadable: int

    @property
    def doubled(self):
        return self.rows - self.origins

    def missing(self, events):
        return events - self.origins


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def whole(path):
    """Whether a Parquet file has its end."""
    try:
        with open(path, "rb") as f:
            if f.seek(0, os.SEEK_END) < 12:
                return False
            f.seek(-4, os.SEEK_END)
            return f.read() == b"PAR1"
    except FileNotFoundError:  # finished or removed since it was listed
        return False


def query(source):
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.execute("SET threads = 2")
        return db.execute(QUERY.format(source=source)).fetchone()


def read(folder):
    """Reads FOLDER/**/*.parquet as anybody would."""
    pattern = f"{folder}/**/*.parquet"
    files = glob.glob(pattern, recursive=True)
    if not files:
        return Reading(0, 0, 0, "", 0)
    try:
        return Reading(*query(quoted(pattern)), "", 0)
    except duckdb.Error as e:
        error = re.sub(r"'?/\S*/part-(\d+)-[^/\s']*'?", r"part-\1-….parquet", str(e).splitlines()[0])
    good = [f for f in files if whole(f)]
    got = query(f"read_parquet([{', '.join(map(quoted, good))}])") if good else (0, 0, 0)
    return Reading(*got, error, len(files) - len(good))


def control(folder):
    """Plants rows twice, rows that are not there and half a file, and fails unless
    each is seen: a table of zeros from a blind reader would say nothing."""
    os.makedirs(folder)

    def plant(name, begin, end):
        columns = "0 AS _partition, o AS _offset, o AS transaction_id, 1.5::DECIMAL(18,2) AS amount, now() AS transaction_date, 'M' AS merchant"
        duckdb.sql(f"COPY (SELECT {columns} FROM range({begin}, {end}) t(o)) TO {quoted(f'{folder}/{name}.parquet')} (FORMAT parquet)")

    plant("first", 0, 10)
    same = read(folder)
    plant("again", 5, 15)
    twice = read(folder)
    with open(f"{folder}/first.parquet", "rb") as f, open(f"{folder}/half.parquet", "wb") as half:
        half.write(f.read()[:-20])
    torn = read(folder)
    seen = [(r.rows, r.doubled, r.missing(20), bool(r.error), r.unreadable) for r in (same, twice, torn)]
    if seen != [(10, 0, 10, False, 0), (20, 5, 5, False, 0), (20, 5, 5, True, 1)]:
        raise SystemExit(f"beside-spark: the reader does not see what was planted: {seen}")
