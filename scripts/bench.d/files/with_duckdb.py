"""The work of scripts/bench-files with DuckDB: events to checked, partitioned Parquet.

    with_duckdb.py INPUT ACCOUNTS OUTPUT

The file is parsed once, into a table in memory whose column "reason" says which check
a row fails. Only rows of a transaction that occurs twice are ranked. Which of them
stays is left open, and so is the order of rows: both cost DuckDB time.
"""

import json
import os
import sys

import duckdb

COLUMNS = {
    "transaction_id": "BIGINT",
    "account_id": "BIGINT",
    "amount": "DECIMAL(18,2)",
    "transaction_type": "VARCHAR",
    "transaction_date": "TIMESTAMP",
    "status": "VARCHAR",
    "currency": "VARCHAR",
    "channel": "VARCHAR",
    "merchant": "VARCHAR",
    "country": "VARCHAR",
}

CHECKED = """
CREATE TEMP TABLE checked AS
SELECT *, CASE
  WHEN transaction_id IS NULL OR account_id IS NULL OR transaction_date IS NULL THEN 'null'
  WHEN amount IS NULL OR amount < 0 THEN 'range'
  WHEN account_id NOT IN (SELECT account_id FROM read_parquet($accounts)) THEN 'reference'
END AS reason
FROM {source}
"""

TWICE = """
UPDATE checked SET reason = 'unique' WHERE rowid IN (
  SELECT id FROM (
    SELECT rowid AS id, row_number() OVER (PARTITION BY transaction_id ORDER BY rowid) AS n
    FROM checked
    WHERE reason IS NULL AND transaction_id IN (
      SELECT transaction_id FROM checked WHERE reason IS NULL GROUP BY transaction_id HAVING count(*) > 1)
  ) WHERE n > 1)
"""

UNKNOWN_TYPES = """
SELECT count(*) FROM checked
WHERE reason IS NULL
  AND transaction_type NOT IN ('DEPOSIT', 'WITHDRAWAL', 'TRANSFER', 'PAYMENT', 'FEE', 'REFUND', 'PURCHASE')
"""

WRITE = """
COPY (SELECT * EXCLUDE reason, CAST(transaction_date AS DATE) AS day FROM checked WHERE reason IS NULL)
TO '{output}/transactions' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (day))
"""

REJECT = """
COPY (SELECT * FROM checked WHERE reason IS NOT NULL)
TO '{output}/quarantine.parquet' (FORMAT parquet, COMPRESSION zstd)
"""


def text(value):
    return "'" + value.replace("'", "''") + "'"


def main(path, accounts, output):
    os.makedirs(output)
    columns = "{" + ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items()) + "}"
    if ".csv" in path:
        source = f"read_csv({text(path)}, header = true, auto_detect = false, delim = ',', quote = '\"', columns = {columns})"
    else:
        source = f"read_json({text(path)}, format = 'newline_delimited', columns = {columns})"
    with duckdb.connect() as db:
        db.execute("SET threads = 2")
        db.execute("SET preserve_insertion_order = false")
        db.execute("SET TimeZone = 'UTC'")
        db.execute(CHECKED.format(source=source), {"accounts": accounts})
        db.execute(TWICE)
        unknown = db.execute(UNKNOWN_TYPES).fetchone()[0]
        db.execute(WRITE.format(output=output.replace("'", "''")))
        db.execute(REJECT.format(output=output.replace("'", "''")))
    print(json.dumps({"category": unknown}))


if __name__ == "__main__":
    main(*sys.argv[1:])
