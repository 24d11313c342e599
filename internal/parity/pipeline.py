"""The job that Tidemark is compared with: the tables of a bank in PySpark.

    pipeline.py PLAN

It is written as such jobs usually are. Files are read with a declared schema and the
options that Spark has by default; branches and products, for which nobody has declared
one, by inferSchema. Checks are columns of the frame, counted while it is written. Rows
that a check of severity FAIL refuses are left out, the others are written as Parquet,
transactions and loans partitioned by the day of their event time in UTC.

PLAN is a JSON file: a list of cases, each with its raw folder, its output folder, the
tables that are to be loaded, and the output folder of the case that has the others.
stdout gets one JSON object: by case and table the rows read and rejected, and of each
check its verdict and how many rows it looked at and refused.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pyspark.sql import Observation, SparkSession, Window
from pyspark.sql import functions as F

ORDER = ["customers", "accounts", "transactions", "loans", "branches", "products"]

# Of each table: where its files are, its schema, and the column by whose day it is
# partitioned.
TABLES = {
    "customers": (
        "customers.csv",
        """customer_id BIGINT, first_name STRING, last_name STRING, email STRING, phone STRING,
        address STRING, city STRING, state STRING, zipcode STRING, created_at TIMESTAMP""",
        None,
    ),
    "accounts": (
        "accounts.csv",
        "account_id BIGINT, customer_id BIGINT, account_type STRING, balance DECIMAL(18,2), created_at TIMESTAMP",
        None,
    ),
    "transactions": (
        "transactions/*/*",
        """transaction_id BIGINT, account_id BIGINT, amount DECIMAL(18,2), transaction_type STRING,
        transaction_date TIMESTAMP, status STRING""",
        "transaction_date",
    ),
    "loans": (
        "loans.json",
        """loan_id BIGINT, customer_id BIGINT, loan_amount DECIMAL(18,2), interest_rate DECIMAL(12,6),
        loan_date TIMESTAMP, status STRING""",
        "loan_date",
    ),
    "branches": ("branches.csv", None, None),
    "products": ("products.csv", None, None),
}

FAIL, WARN = "FAIL", "WARN"


class Check:
    """A rule: which rows have something to judge, and which of them it refuses."""

    def __init__(self, name, severity, has, bad, at_least=1.0):
        self.name, self.severity, self.at_least = name, severity, at_least
        self.has, self.bad = has, has & bad

    def outcome(self, checked, failed):
        passed = failed == 0 or (checked - failed) / checked >= self.at_least
        return {"name": self.name, "verdict": "PASS" if passed else self.severity, "failed": failed, "checked": checked}


def complete(column, severity=FAIL, at_least=1.0):
    blank = F.col(column).isNull() | (F.trim(F.col(column).cast("string")) == "")
    return Check(f"completeness:{column}", severity, F.lit(True), blank, at_least)


def reference(column):
    return Check(f"reference:{column}", FAIL, F.col(column).isNotNull(), F.col("_known").isNull())


def within(column, severity, low, high=None, nulls=False):
    outside = F.col(column) < low
    if high is not None:
        outside |= F.col(column) > high
    if nulls:
        return Check(f"range:{column}", severity, F.lit(True), F.col(column).isNull() | outside)
    return Check(f"range:{column}", severity, F.col(column).isNotNull(), outside)


def category(column, *values):
    return Check(f"category:{column}", WARN, F.col(column).isNotNull(), ~F.lower(column).isin(*values))


def checks(table):
    """The rules of a table, its key last: of a key the first row that nothing else
    refuses passes."""
    if table == "customers":
        return [complete("customer_id")] + [complete(c, WARN, 0.95) for c in ("first_name", "last_name", "email")], "customer_id"
    if table == "accounts":
        return [
            complete("account_id"),
            complete("customer_id"),
            reference("customer_id"),
            category("account_type", "savings", "current", "checking", "loan", "credit"),
            within("balance", WARN, 0),
        ], "account_id"
    if table == "transactions":
        return [
            complete("transaction_id"),
            complete("account_id"),
            complete("transaction_date"),
            reference("account_id"),
            within("amount", FAIL, 0, nulls=True),
            category("transaction_type", "deposit", "withdrawal", "transfer", "payment", "fee", "refund"),
        ], "transaction_id"
    if table == "loans":
        return [
            complete("loan_id"),
            complete("customer_id"),
            complete("loan_amount"),
            reference("customer_id"),
            within("interest_rate", WARN, 0, 100),
        ], "loan_id"
    return [], None


PARENT = {"accounts": ("customers", "customer_id"), "transactions": ("accounts", "account_id"), "loans": ("customers", "customer_id")}


def read(spark, raw, table):
    place, schema, _ = TABLES[table]
    files = sorted(str(f) for f in Path(raw).glob(place))
    if schema is None:
        return spark.read.csv(files, header=True, inferSchema=True)
    if files[0].endswith(".csv"):
        return spark.read.schema(schema).csv(files, header=True)
    return spark.read.schema(schema).json(files, multiLine=table == "loans")


def load(spark, case, table, parents):
    """Loads one table: judges its rows and writes those that are accepted."""
    rows = read(spark, case["raw"], table)
    columns, (rules, key) = rows.columns, checks(table)
    rows = rows.withColumn("_file", F.input_file_name()).withColumn("_row", F.monotonically_increasing_id())
    if table in PARENT:
        parent, column = PARENT[table]
        known = parents[parent].select(F.col(column).alias("_known"))
        rows = rows.join(F.broadcast(known), rows[column] == F.col("_known"), "left")
    refused = F.lit(False)
    for r in rules:
        if r.severity == FAIL:
            refused |= r.bad
    rows = rows.withColumn("_refused", refused)
    if key:
        first = Window.partitionBy("_refused", key).orderBy("_file", "_row")
        rows = rows.withColumn("_nth", F.row_number().over(first))
        rows = rows.withColumn("_keyed", ~F.col("_refused") & F.col(key).isNotNull())
        rules = rules + [Check(f"unique:{key}", FAIL, F.col("_keyed"), F.col("_nth") > 1)]
        rows = rows.withColumn("_refused", F.col("_refused") | rules[-1].bad)
    sums = {"read": F.count("*"), "rejected": F.count_if("_refused")}
    for r in rules:
        sums |= {f"checked {r.name}": F.count_if(r.has), f"failed {r.name}": F.count_if(r.bad)}
    seen = Observation()
    rows = rows.observe(seen, *(s.alias(name) for name, s in sums.items()))
    write(rows.where("NOT _refused").select(columns), f"{case['out']}/{table}", TABLES[table][2])
    n = seen.get
    outcomes = [r.outcome(n[f"checked {r.name}"], n[f"failed {r.name}"]) for r in rules]
    return {"read": n["read"], "rejected": n["rejected"], "checks": outcomes}


def write(rows, folder, time):
    if time is None:
        rows.write.parquet(folder)
        return
    for name, pattern in ("yyyy", "yyyy"), ("mm", "MM"), ("dd", "dd"):
        rows = rows.withColumn(name, F.date_format(time, pattern))
    rows.write.partitionBy("yyyy", "mm", "dd").parquet(folder)


def run(spark, case):
    tables, parents = {}, {}
    for table in ORDER:
        if table in case["tables"]:
            tables[table] = load(spark, case, table, parents)
        if table in ("customers", "accounts"):
            folder = case["out"] if table in case["tables"] else case["others"]
            parents[table] = spark.read.parquet(f"{folder}/{table}")
    return case["name"], tables


def session():
    spark = (
        SparkSession.builder.appName("bank")
        .master("local[2]")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        # Small files: what is for large ones only costs time.
        .config("spark.sql.files.minPartitionNum", "1")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")  # starts sooner
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def main(plan):
    cases = json.loads(Path(plan).read_text())
    spark = session()
    outcomes = dict([run(spark, cases[0])])
    with ThreadPoolExecutor(3) as pool:
        outcomes.update(pool.map(lambda case: run(spark, case), cases[1:]))
    print(json.dumps(outcomes))
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
