"""The work of scripts/bench-peers on a topic with Spark: Structured Streaming from what
stands in the topic to partitioned Parquet, once through.

    with_spark.py BROKER TOPIC OUTPUT CHECKPOINT JARS

One query, one parse and one sink: checks are a column, and what passed and what did not
are two partitions of its output. The checks are of one row each; that of the encoding is there
since from_json takes what is not UTF-8.
"""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

EVENT = """transaction_id BIGINT, account_id BIGINT, amount DECIMAL(18,2), transaction_type STRING,
  transaction_date TIMESTAMP, status STRING, currency STRING, channel STRING, merchant STRING, country STRING, _corrupt STRING"""
TYPES = ["DEPOSIT", "WITHDRAWAL", "TRANSFER", "PAYMENT", "FEE", "REFUND", "PURCHASE"]


def session(jars):
    spark = (
        SparkSession.builder.appName("bench")
        .master("local[2]")
        .config("spark.driver.memory", "4g")
        .config("spark.driver.extraJavaOptions", "-XX:+UseParallelGC")
        .config("spark.driver.extraClassPath", f"{jars}/*")
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


def judged(events):
    unread = F.col("event._corrupt").isNotNull() | ~F.is_valid_utf8("text")
    missing = F.col("event.transaction_id").isNull() | F.col("event.account_id").isNull() | F.col("event.transaction_date").isNull()
    outside = F.col("event.amount").isNull() | (F.col("event.amount") < 0)
    warning = F.when(~F.col("event.transaction_type").isin(TYPES), "category")
    return events.select(
        "event.*", "_partition", "_offset", warning.alias("warning"),
        F.when(unread, "syntax").when(missing, "null").when(outside, "range").alias("reason"),
    )


def main(broker, topic, output, checkpoint, jars):
    spark = session(jars)
    records = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", broker)
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .load()
    )
    text = F.col("value").cast("string")
    event = F.from_json(text, EVENT, {"columnNameOfCorruptRecord": "_corrupt"})
    rows = judged(records.select(event.alias("event"), text.alias("text"), F.col("partition").alias("_partition"), F.col("offset").alias("_offset")))
    to = F.when(F.col("reason").isNull(), "transactions").otherwise("quarantine").alias("to")
    (
        rows.select("*", to, F.to_date("transaction_date").alias("day"))
        .writeStream.format("parquet").partitionBy("to", "day")
        .option("path", output).option("checkpointLocation", checkpoint)
        .trigger(availableNow=True).start().awaitTermination()
    )
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
