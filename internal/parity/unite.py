"""Reads a folder with Spark, which is told to merge the schemas of its files, and writes the rows as JSON lines."""

import sys

from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC").getOrCreate()
spark.sparkContext.setLogLevel("OFF")
rows = spark.read.option("mergeSchema", "true").parquet(sys.argv[1])
for row in rows.selectExpr("to_json(struct(*), map('ignoreNullFields', 'false')) as row").collect():
    print(row.row)
