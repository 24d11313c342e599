"""The Spark job that scripts/beside-spark puts beside Tidemark.

    spark_job.py run BROKER TOPIC OUT CHECKPOINT JARS [--until-current]
    spark_job.py read JARS OUT…

`run` is Structured Streaming as its guides have it: Kafka source, from_json with a
declared schema, Parquet sink partitioned by day, checkpoint outside the output.
`read` reads each OUT with Spark itself, which knows the sink's log in it, and prints
how many rows and how many different origins there are, one JSON object a line.
"""

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, date_format, from_json

EVENT = """transaction_id BIGINT, account_id BIGINT, amount DECIMAL(18,2), transaction_type STRING,
  transaction_date TIMESTAMP, status STRING, currency STRING, channel STRING, merchant STRING, country STRING"""

# As many offsets a batch as Tidemark's max_rows.
BATCH = 50_000


def session(jars):
    spark = (
        SparkSession.builder.appName("beside-spark")
        .master("local[2]")
        .config("spark.driver.memory", "2g")
        .config("spark.driver.extraClassPath", jars)
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.parquet.compression.codec", "zstd")
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("WARN")
    return spark


def run(broker, topic, out, checkpoint, jars, *options):
    events = (
        session(jars)
        .readStream.format("kafka")
        .option("kafka.bootstrap.servers", broker)
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", BATCH)
        .load()
    )
    rows = events.select(
        from_json(col("value").cast("string"), EVENT).alias("event"),
        col("topic").alias("_topic"),
        col("partition").alias("_partition"),
        col("offset").alias("_offset"),
    ).select("event.*", "_topic", "_partition", "_offset")
    for name, pattern in ("yyyy", "yyyy"), ("mm", "MM"), ("dd", "dd"):
        rows = rows.withColumn(name, date_format("transaction_date", pattern))
    sink = rows.writeStream.format("parquet").partitionBy("yyyy", "mm", "dd").option("path", out).option("checkpointLocation", checkpoint)
    if "--until-current" in options:
        sink = sink.trigger(availableNow=True)
    sink.start().awaitTermination()


def read(jars, *outs):
    spark = session(jars)
    for out in outs:
        rows = spark.read.parquet(out)
        print(json.dumps({"out": out, "rows": rows.count(), "origins": rows.select("_partition", "_offset").distinct().count()}), flush=True)


if __name__ == "__main__":
    {"run": run, "read": read}[sys.argv[1]](*sys.argv[2:])
