"""What scripts/bench-files runs, each tool in a process of its own, and what it has
written."""

import glob
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Failed(Exception):
    """A tool, or what it has written, is not as it should be."""


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
        self.binary, self.inputs, self.lake = binary, inputs, lake
        self.environment = {**os.environ, "BENCH_LAKE": lake}

    def backfill(self, table, path):
        return [self.binary, "backfill", "-c", f"{HERE}/tidemark.yaml", "--table", table, "--json", path]

    def prepare(self):
        ask(self.backfill("accounts", f"{self.inputs}/accounts.csv"), self.environment)

    def command(self, path):
        return self.backfill("transactions", path)

    def counts(self, printed):
        """The rows, from the files; the warnings, which are in no file, from the ledger."""
        out = count(f"{self.lake}/transactions/**/*.parquet", f"{self.lake}/transactions_quarantine/**/*.parquet", "_reason")
        out["category"] = 0
        for path in glob.glob(f"{self.lake}/_tidemark/transactions/ledger/*.json"):
            with open(path) as f:
                record = json.load(f)
            checks = (record["quality"] or {"checks": []})["checks"]
            out["category"] += sum(c["failed"] for c in checks if c["name"].startswith("category:"))
        return out


class Peer:
    """A script that reads, checks and writes with a library."""

    def __init__(self, name, script, inputs, output):
        self.name, self.script, self.inputs, self.lake = name, f"{HERE}/{script}", inputs, output
        self.environment = {**os.environ, "POLARS_MAX_THREADS": "2"}

    def prepare(self):
        """Nothing: the accounts lie beside the events."""

    def command(self, path):
        return [sys.executable, self.script, path, f"{self.inputs}/accounts.parquet", self.lake]

    def counts(self, printed):
        out = count(f"{self.lake}/transactions/**/*.parquet", f"{self.lake}/quarantine.parquet", "reason")
        return {**out, **json.loads(printed)}
