"""What scripts/bench-files and scripts/bench-peers do with files: which tools there are,
what is to be done, and whether all have done the same."""

import os
import sys

from measure import Failed, Work
from tools import Peer, Tidemark


def same(results, rows):
    """Fails unless all tools counted the same, and every row."""
    first, *others = results.items()
    name, want = first[0], first[1].counts
    if (got := sum(want.values()) - want["category"]) != rows:
        raise Failed(f"{name} accounts for {got} rows of {rows}: {want}")
    for other, result in others:
        if result.counts != want:
            raise Failed(f"{other} counts {result.counts}, {name} {want}")
    return want


def works(tools, folder, rows, kinds):
    """The files of DIR/in as what is to be done."""
    def text(kind):
        return os.path.getsize(f"{folder}/in/events.{kind.removesuffix('.zst')}")
    return [Work(kind, f"{folder}/in/events.{kind}", rows, text(kind), tools, same) for kind in kinds]


def local(binary, folder):
    """The tools that run in a process and read files of every kind."""
    inputs = f"{folder}/in"
    return [
        Tidemark(binary, inputs, f"{folder}/lake"),
        Peer("DuckDB", [sys.executable, "with_duckdb.py"], inputs, f"{folder}/out"),
        Peer("Polars", [sys.executable, "with_polars.py"], inputs, f"{folder}/out"),
    ]


def verdict(measured, work):
    """What became of the rows: all tools agree."""
    counts = dict(next(iter(measured[work.name].values()))[0].counts)
    return f"All wrote {counts.pop('written'):,} of {work.rows:,} rows. " + ", ".join(f"{name}: {n:,}" for name, n in sorted(counts.items()))
