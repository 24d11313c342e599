"""The work of scripts/bench-files with Polars: events to checked, partitioned Parquet.

    with_polars.py INPUT ACCOUNTS OUTPUT

The file is parsed once, by the streaming engine, into a frame whose column "reason"
says which check a row fails. The order of the rows that it writes is left open.
"""

import json
import os
import sys

import polars as pl

SCHEMA = {
    "transaction_id": pl.Int64,
    "account_id": pl.Int64,
    "amount": pl.Decimal(18, 2),
    "transaction_type": pl.String,
    "transaction_date": pl.String,
    "status": pl.String,
    "currency": pl.String,
    "channel": pl.String,
    "merchant": pl.String,
    "country": pl.String,
}
TYPES = ["DEPOSIT", "WITHDRAWAL", "TRANSFER", "PAYMENT", "FEE", "REFUND", "PURCHASE"]


def main(path, accounts, output):
    os.makedirs(output)
    if ".csv" in path:
        events = pl.scan_csv(path, schema=SCHEMA)
    else:
        # Its NDJSON reader has no decimals: amounts go through a float.
        events = pl.scan_ndjson(path, schema={**SCHEMA, "amount": pl.Float64}).with_columns(pl.col("amount").cast(SCHEMA["amount"]))
    known = pl.read_parquet(accounts, columns=["account_id"])["account_id"]
    date = pl.col("transaction_date").str.to_datetime("%+", time_unit="us", cache=False)  # hardly a time occurs twice
    reason = (
        pl.when(pl.any_horizontal(pl.col("transaction_id", "account_id", "transaction_date").is_null())).then(pl.lit("null"))
        .when(pl.col("amount").is_null() | (pl.col("amount") < 0)).then(pl.lit("range"))
        .when(~pl.col("account_id").is_in(known.implode())).then(pl.lit("reference"))
    )
    rows = events.with_columns(date).with_columns(reason=reason).collect(engine="streaming")

    # The first row of a key stays, of those that pass so far.
    key = pl.when(pl.col("reason").is_null()).then(pl.col("transaction_id"))
    again = pl.col("reason").is_null() & ~key.is_first_distinct()
    rows = rows.with_columns(reason=pl.when(again).then(pl.lit("unique")).otherwise(pl.col("reason")))

    good = rows.lazy().filter(pl.col("reason").is_null()).drop("reason")
    unknown, _, _ = pl.collect_all([
        good.select((~pl.col("transaction_type").is_in(TYPES)).sum()),
        good.with_columns(day=pl.col("transaction_date").dt.date()).sink_parquet(
            pl.PartitionBy(f"{output}/transactions", key="day", include_key=False), compression="zstd", maintain_order=False, mkdir=True, lazy=True),
        rows.lazy().filter(pl.col("reason").is_not_null()).sink_parquet(f"{output}/quarantine.parquet", compression="zstd", lazy=True),
    ], engine="streaming")
    print(json.dumps({"category": unknown.item()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
