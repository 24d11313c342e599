"""What scripts/bench-files runs, each tool in a process of its own, and what it has
written."""

import glob
import json
import os
import subprocess
import sys

from measure import Failed

HERE = os.path.dirname(os.path.abspath(__file__))


def ask(command, environment=None):
    """What a command prints; its complaint where it fails."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"{command[0]} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def count(passed, rejected, column):
    return json.loads(ask([sys.executable, f"{HERE}/counts.py", passed, rejected, column]))


class Tidemark:
    """tidemark backfill, into a new lake that has the accounts."""

    name = "Tidemark"

    def __init__(self, binary, inputs, lake):
        self.binary, self.inputs, self.folder = binary, inputs, lake
        self.environment = {**os.environ, "BENCH_LAKE": lake}

    def backfill(self, table, path):
        return [self.binary, "backfill", "-c", f"{HERE}/tidemark.yaml", "--table", table, "--json", path]

    def prepare(self):
        ask(self.backfill("accounts", f"{self.inputs}/accounts.csv"), self.environment)

    def command(self, work):
        return self.backfill("transactions", work.path)

    def counts(self, work, printed):
        """The rows, from the files; the warnings, which are in no file, from the ledger."""
        out = count(f"{self.folder}/transactions/**/*.parquet", f"{self.folder}/transactions_quarantine/**/*.parquet", "_reason")
        out["category"] = 0
        for path in glob.glob(f"{self.folder}/_tidemark/transactions/ledger/*.json"):
            with open(path) as f:
                record = json.load(f)
            checks = (record["quality"] or {"checks": []})["checks"]
            out["category"] += sum(c["failed"] for c in checks if c["name"].startswith("category:"))
        return out


class Configured(Tidemark):
    """tidemark backfill with a configuration of its own."""

    def __init__(self, name, config, *rest):
        super().__init__(*rest)
        self.name, self.config = name, config

    def backfill(self, table, path):
        return [self.binary, "backfill", "-c", self.config, "--table", table, "--json", path]


class Peer:
    """A script that reads, checks and writes with a library."""

    def __init__(self, name, command, inputs, output):
        interpreter, script, *arguments = command
        self.name, self.start, self.inputs, self.folder = name, [interpreter, f"{HERE}/{script}", *arguments], inputs, output
        self.environment = {**os.environ, "POLARS_MAX_THREADS": "2"}

    def prepare(self):
        """Nothing: the accounts lie beside the events."""

    def command(self, work):
        return [*self.start, work.path, f"{self.inputs}/accounts.parquet", self.folder]

    def counts(self, work, printed):
        out = count(*self.globs(), "reason")
        return {**out, **json.loads(printed)}

    def globs(self):
        """Of the files with what passed, and of those with what did not."""
        return f"{self.folder}/transactions/**/*.parquet", f"{self.folder}/quarantine.parquet"


class Spark(Peer):
    """Spark, in one of two ways. It writes folders of files; tuned, both by one write."""

    def __init__(self, python, way, inputs, output):
        super().__init__(f"Spark, {way}", [python, "with_spark.py", way], inputs, output)
        self.tuned = way == "tuned"

    def globs(self):
        if self.tuned:
            return f"{self.folder}/to=transactions/**/*.parquet", f"{self.folder}/to=quarantine/**/*.parquet"
        return f"{self.folder}/transactions/**/*.parquet", f"{self.folder}/quarantine.parquet/*.parquet"
