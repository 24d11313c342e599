"""The work of scripts/bench-peers on files with Spark: events to checked, partitioned
Parquet, in one of two ways.

    with_spark.py tutorial|tuned INPUT ACCOUNTS OUTPUT

`tutorial` is what courses show: a frame with a declared schema, an action for each
check, then one for what passed and one for what did not. Each action reads the file.
`tuned` reads it once and has one action: checks are a column, a window ranks the rows of
a transaction, warnings are counted while rows are written, and what passed and what did
not are two partitions of one write. A task keeps the files of all its days open, so that
rows are not sorted for them. To keep the rows in memory for two writes, or to look for
repeated transactions first, took more time.
"""

import json
import sys

from pyspark.sql import Observation, SparkSession, Window
from pyspark.sql import functions as F

SCHEMA = """transaction_id BIGINT, account_id BIGINT, amount DECIMAL(18,2), transaction_type STRING,
  transaction_date TIMESTAMP, status STRING, currency STRING, channel STRING, merchant STRING, country STRING"""
TYPES = ["DEPOSIT", "WITHDRAWAL", "TRANSFER", "PAYMENT", "FEE", "REFUND", "PURCHASE"]


def session():
    spark = (
        SparkSession.builder.appName("bench")
        .master("local[2]")
        .config("spark.driver.memory", "4g")
        .config("spark.driver.extraJavaOptions", "-XX:+UseParallelGC")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.maxConcurrentOutputFileWriters", "64")
        .config("spark.sql.parquet.compression.codec", "zstd")
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def read(spark, path):
    if path.endswith(".csv"):
        return spark.read.schema(SCHEMA).option("mode", "FAILFAST").csv(path, header=True)
    return spark.read.schema(SCHEMA).option("mode", "FAILFAST").json(path)


def missing():
    return F.col("transaction_id").isNull() | F.col("account_id").isNull() | F.col("transaction_date").isNull()


def outside():
    return F.col("amount").isNull() | (F.col("amount") < 0)


def strange():
    return ~F.col("transaction_type").isin(TYPES)


def judged(events, known):
    """The rows with the reason for which a row is rejected, but for repeated ones."""
    known = F.broadcast(known.select(F.col("account_id").alias("_known")))
    return (
        events.join(known, F.col("account_id") == F.col("_known"), "left")
        .withColumn("reason", F.when(missing(), "null").when(outside(), "range").when(F.col("_known").isNull(), "reference"))
        .drop("_known")
    )


def write(rows, folder):
    day = F.to_date("transaction_date").alias("day")
    rows.where("reason IS NULL").drop("reason").select("*", day).write.partitionBy("day").parquet(folder)


def tutorial(spark, path, accounts, output):
    events = read(spark, path)
    known = spark.read.parquet(accounts)
    found = {
        "null": events.where(missing()).count(),
        "range": events.where(outside()).count(),
        "reference": events.join(F.broadcast(known), "account_id", "left_anti").where("account_id IS NOT NULL").count(),
        "unique": events.groupBy("transaction_id").count().where("count > 1").count(),
        "category": events.where(strange()).count(),
    }
    first = Window.partitionBy("reason", "transaction_id").orderBy("transaction_date")
    again = F.col("reason").isNull() & (F.row_number().over(first) > 1)
    rows = judged(events, known).withColumn("reason", F.when(again, "unique").otherwise(F.col("reason")))
    write(rows, f"{output}/transactions")
    rows.where("reason IS NOT NULL").write.parquet(f"{output}/quarantine.parquet")
    return found


def tuned(spark, path, accounts, output):
    first = Window.partitionBy("transaction_id").orderBy(F.col("reason").isNotNull(), "transaction_date")
    rows = judged(read(spark, path), spark.read.parquet(accounts)).withColumn("_nth", F.row_number().over(first))
    again = F.col("reason").isNull() & (F.col("_nth") > 1)
    rows = rows.withColumn("reason", F.when(again, "unique").otherwise(F.col("reason"))).drop("_nth")
    seen = Observation()
    rows = rows.observe(seen, F.count_if(F.col("reason").isNull() & strange()).alias("category"))
    to = F.when(F.col("reason").isNull(), "transactions").otherwise("quarantine").alias("to")
    rows.select("*", to, F.to_date("transaction_date").alias("day")).write.partitionBy("to", "day").parquet(output)
    return {"category": seen.get["category"]}


def main(way, path, accounts, output):
    spark = session()
    found = {"tutorial": tutorial, "tuned": tuned}[way](spark, path, accounts, output)
    print(json.dumps({"category": found["category"]}), flush=True)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
