"""Runs the rounds of scripts/bench-files and prints its table.

    rounds.py BINARY DIR ROWS ROUNDS WAIT

The events are in DIR/in. The tools take turns, so that a machine that changes its
speed meanwhile changes it for all. Round 0 warms up and does not count. WAIT is how
many seconds it waits at most for the machine to be quiet; 0 does not.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from tools import Failed, Peer, Tidemark

INPUTS = ["csv", "csv.zst", "ndjson", "ndjson.zst"]
THREADS = 2
CALM = 0.5  # load average below which the machine is quiet
OTHERS = 0.1  # share of the processors that others may use during a run


class Result(NamedTuple):
    """One process, from its start to its exit."""

    seconds: float  # on the clock
    cpu: float  # seconds of user and system time
    peak: int  # bytes resident at most
    others: float  # share of the processors that others used meanwhile
    counts: dict  # rows by what became of them


def say(text):
    print(text, file=sys.stderr, flush=True)


def busy():
    """Seconds that all processors together have worked so far, waiting not included."""
    with open("/proc/stat") as f:
        ticks = [int(n) for n in f.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def wait_for_calm(patience):
    """Waits until the load average of a minute is low. Returns whether it was."""
    until = time.monotonic() + patience
    while (load := os.getloadavg()[0]) >= CALM:
        if time.monotonic() > until:
            return False
        say(f"load average {load:.2f}; waiting until it is below {CALM}")
        time.sleep(10)
    return True


def measure(tool, path):
    """Runs a tool once, on an empty folder and a disk with nothing left to write."""
    shutil.rmtree(tool.lake, ignore_errors=True)
    tool.prepare()
    os.sync()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as log:
        before, start = busy(), time.monotonic()
        process = subprocess.Popen(tool.command(path), env=tool.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        seconds, worked = time.monotonic() - start, busy() - before
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        log.seek(0)
        if process.returncode != 0:
            raise Failed(f"{tool.name} ended with {process.returncode} on {path}:\n{log.read()[-2000:]}")
        counts = tool.counts(out.read())
    shutil.rmtree(tool.lake)
    cpu = usage.ru_utime + usage.ru_stime
    others = max(0.0, worked - cpu) / (seconds * os.cpu_count())
    return Result(seconds, cpu, usage.ru_maxrss * 1024, others, counts)


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


def median(results):
    """The run in the middle, as a whole: its figures belong together."""
    return sorted(results, key=lambda r: r.seconds)[len(results) // 2]


def table(measured, sizes, rows):
    """Lines of Markdown: each input, each tool, and Tidemark's rates over the tool's."""
    yield "| input | tool | s | of all rounds | rows/s | MB/s | rows per CPU second | peak MiB | Tidemark is, by the clock | by CPU |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    for kind, tools in measured.items():
        ours = median(tools["Tidemark"])
        for name, results in tools.items():
            r, all_seconds = median(results), [x.seconds for x in results]
            mark = " (not quiet)" if max(x.others for x in results) > OTHERS else ""
            yield (
                f"| {kind} | {name}{mark} | {r.seconds:.2f} | {min(all_seconds):.2f} to {max(all_seconds):.2f} "
                f"| {rows / r.seconds:,.0f} | {sizes[kind] / 1e6 / r.seconds:,.0f} | {rows / r.cpu:,.0f} | {r.peak / (1 << 20):,.0f} "
                f"| {r.seconds / ours.seconds:.2f} × | {r.cpu / ours.cpu:.2f} × |"
            )


def main(binary, folder, rows, rounds, patience):
    rows, rounds, patience = int(rows), int(rounds), float(patience)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    inputs = f"{folder}/in"
    tools = [
        Tidemark(binary, inputs, f"{folder}/lake"),
        Peer("DuckDB", "with_duckdb.py", inputs, f"{folder}/out"),
        Peer("Polars", "with_polars.py", inputs, f"{folder}/out"),
    ]
    calm = wait_for_calm(patience)
    measured = {kind: {tool.name: [] for tool in tools} for kind in INPUTS}
    sizes = {kind: os.path.getsize(f"{inputs}/events.{kind.removesuffix('.zst')}") for kind in INPUTS}
    for n in range(rounds + 1):
        for kind in INPUTS:
            turn = n % len(tools)
            results = {tool.name: measure(tool, f"{inputs}/events.{kind}") for tool in tools[turn:] + tools[:turn]}
            counts = same(results, rows)
            say(f"round {n} of {rounds}, {kind}: " + ", ".join(f"{name} {r.seconds:.2f} s" for name, r in sorted(results.items())))
            if n > 0:
                for name, result in results.items():
                    measured[kind][name].append(result)
    print("\n".join(table(measured, sizes, rows)))
    print(f"\nAll wrote {counts.pop('written'):,} of {rows:,} rows. " + ", ".join(f"{name}: {n:,}" for name, n in sorted(counts.items())))
    print(f"Median of {rounds} after one to warm up; {THREADS} threads each. MB are of the text, unpacked.")
    if not calm:
        print(f"NOT QUIET: the load average was {CALM} or more before the first round.")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Failed as e:
        sys.exit(f"bench-files: {e}")
