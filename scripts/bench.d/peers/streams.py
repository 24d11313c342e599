"""What scripts/bench-peers puts beside each other at draining a topic: how each tool is
started, and what it should have written of the events.

The kinds of events are those of internal/generate: good; late, which Tidemark puts
aside; failing, with a negative amount; broken, which are not JSON.
"""

import glob
import json
import os
import socket
import subprocess

import duckdb

from measure import Failed

HERE = os.path.dirname(os.path.abspath(__file__))
TOPIC = "bench"


def free():
    """A port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("localhost", 0))
        return s.getsockname()[1]


def rows(pattern):
    """Rows of Parquet files, none of them twice."""
    if not glob.glob(pattern, recursive=True):
        return 0
    with duckdb.connect() as db:
        db.execute("SET threads = 2")
        n, different = db.execute("SELECT count(*), count(DISTINCT transaction_id) FROM read_parquet(?, hive_partitioning = false)", [pattern]).fetchone()
    if n != different:
        raise Failed(f"{pattern} has {n} rows of {different} transactions")
    return n


def rejected(pattern):
    if not glob.glob(pattern, recursive=True):
        return 0
    with duckdb.connect() as db:
        return db.execute("SELECT count(*) FROM read_parquet(?, hive_partitioning = false)", [pattern]).fetchone()[0]


def right(tools, kinds):
    """The check of what tools have written: each should have what it is for."""
    def check(results, _):
        for tool in tools:
            got, want = results[tool.name].counts, tool.expected(kinds)
            if got != want:
                raise Failed(f"{tool.name} has written {got}, not {want}")
    return check


class Tidemark:
    """tidemark run, with all checks of the preset."""

    name = "Tidemark"

    def __init__(self, binary, folder, broker):
        self.binary, self.folder = binary, f"{folder}/lake"
        self.environment = {**os.environ, "BENCH_LAKE": self.folder, "BENCH_BROKER": broker, "BENCH_LISTEN": f"localhost:{free()}"}

    def prepare(self):
        """Nothing: the lake is new."""

    def command(self, work):
        return [self.binary, "run", "-c", f"{HERE}/../tidemark.yaml", "--until-current"]

    def counts(self, work, printed):
        """Which rows are late depends on how far the partitions have been read."""
        passed = sum(rows(f"{self.folder}/{table}/**/*.parquet") for table in ("transactions", "transactions_late"))
        return {"passed": passed, "rejected": rejected(f"{self.folder}/transactions_quarantine/**/*.parquet")}

    def expected(self, kinds):
        return {"passed": kinds["good"] + kinds["late"], "rejected": kinds["failing"] + kinds["broken"]}


class Spark:
    """Structured Streaming with the checks of a row."""

    name = "Spark, row checks"

    def __init__(self, python, jars, folder, broker):
        self.python, self.jars, self.folder, self.broker = python, jars, f"{folder}/spark", broker
        self.environment = None

    def prepare(self):
        """Nothing: output and checkpoint are new."""

    def command(self, work):
        return [self.python, f"{HERE}/with_spark.py", self.broker, TOPIC, f"{self.folder}/out", f"{self.folder}/checkpoint", self.jars]

    def counts(self, work, printed):
        out = f"{self.folder}/out"
        return {"passed": rows(f"{out}/to=transactions/**/*.parquet"), "rejected": rejected(f"{out}/to=quarantine/**/*.parquet")}

    def expected(self, kinds):
        return {"passed": kinds["good"] + kinds["late"], "rejected": kinds["failing"] + kinds["broken"]}


class Iceberg:
    """The sink of Apache Iceberg in a standalone worker of Kafka Connect: a service,
    done when the newest snapshot of the table has all rows."""

    name = "Iceberg sink, no checks"

    def __init__(self, libs, folder, broker, kinds):
        self.libs, self.folder, self.broker, self.environment = libs, f"{folder}/iceberg", broker, None
        self.wanted, self.number = self.expected(kinds)["passed"], 0

    def prepare(self):
        """A new table, and a new name: Kafka knows how far the old one has read."""
        self.number += 1
        os.makedirs(self.folder)
        names = {"BROKER": self.broker, "FOLDER": self.folder, "NAME": f"iceberg-{self.number}", "TOPIC": TOPIC}
        for name in ("worker.properties", "sink.properties"):
            with open(f"{HERE}/{name}") as f:
                text = f.read()
            for key, value in names.items():
                text = text.replace(f"${{{key}}}", value)
            with open(f"{self.folder}/{name}", "w") as f:
                f.write(text)
        made = subprocess.run(
            ["java", *self.java(), f"{HERE}/NewTable.java", f"{self.folder}/warehouse", self.broker, f"control-{names['NAME']}"],
            capture_output=True, text=True)
        if made.returncode != 0:
            raise Failed(f"no table for Iceberg's sink:\n{made.stderr[-2000:]}")

    def java(self):
        return ["-cp", f"{self.libs}/*", f"-Dlog4j2.configurationFile={HERE}/log4j2.properties"]

    def command(self, work):
        return ["java", "-Xms256m", "-Xmx2g", "-XX:+UseParallelGC", *self.java(), "org.apache.kafka.connect.cli.ConnectStandalone",
                f"{self.folder}/worker.properties", f"{self.folder}/sink.properties"]

    def arrived(self, work):
        return self.committed() >= self.wanted

    def committed(self):
        """Rows of the newest snapshot."""
        metadata = f"{self.folder}/warehouse/bench/transactions/metadata"
        newest = max((n for n in os.listdir(metadata) if n.startswith("v") and n.endswith(".metadata.json")), key=lambda n: int(n[1:].split(".")[0]))
        with open(f"{metadata}/{newest}") as f:
            table = json.load(f)
        return total(table)

    def counts(self, work, printed):
        return {"passed": rows(f"{self.folder}/warehouse/bench/transactions/data/**/*.parquet"), "committed": self.committed()}

    def expected(self, kinds):
        n = kinds["good"] + kinds["late"] + kinds["failing"]
        return {"passed": n, "committed": n}


def total(table):
    """The rows that the metadata of an Iceberg table count in its present snapshot."""
    for snapshot in table.get("snapshots", []):
        if snapshot["snapshot-id"] == table.get("current-snapshot-id"):
            return int(snapshot["summary"]["total-records"])
    return 0


class Raw:
    """The client that Tidemark reads with, and nothing else: the floor."""

    name = "franz-go, only read"

    def __init__(self, driver, folder, broker):
        self.driver, self.folder, self.broker, self.environment = driver, f"{folder}/raw", broker, None

    def prepare(self):
        """Nothing."""

    def command(self, work):
        return [self.driver, "raw", "-broker", self.broker, "-events", str(work.rows)]

    def counts(self, work, printed):
        return {"read": json.loads(printed)["rows"]}

    def expected(self, kinds):
        return {"read": sum(kinds.values())}
