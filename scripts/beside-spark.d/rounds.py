"""Runs the rounds of scripts/beside-spark and prints what DuckDB read.

    rounds.py DIR BROKER JARS BINARY EVENTS ROUNDS

Round 0 has no kill: it shows that both tools read the same, and what a reader sees
meanwhile. In each other round both are started on an empty folder and killed with
SIGKILL, process group and all, in the middle of a batch; then the glob is read, the
tool is started again until it has read the topic, and the glob is read once more.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import reading
from output import HERE, Spark, Tidemark

PATIENCE = 300  # seconds that a tool may take for anything
STILL = 90  # seconds without a change until a tool is taken to be at the topic's end
TRIES = 10  # starts until a moment is met
BEFORE = 2  # batches that are through before one is killed


def fail(text):
    sys.exit("beside-spark: " + text)


def say(text):
    print(text, file=sys.stderr, flush=True)


def members(group):
    """The processes of a group that live, with their states."""
    out = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                state, _, pgrp = f.read().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(pgrp) == group and state not in "ZX":
            out[int(pid)] = state
    return out


class Run:
    """A tool at work, in a process group of its own."""

    def __init__(self, tool, *options):
        command, environment = tool.command(*options)
        os.makedirs(tool.dir, exist_ok=True)
        self.log = f"{tool.dir}/log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.group = self.process.pid
        self.until = time.monotonic() + PATIENCE

    def ended(self):
        if time.monotonic() > self.until:
            self.kill()
            fail(f"{PATIENCE} seconds were not enough: see {self.log}")
        return self.process.poll() is not None

    def stop(self):
        """Stops the group, so that a look at its files is a look at one moment."""
        os.killpg(self.group, signal.SIGSTOP)
        while any(s not in "Tt" for s in members(self.group).values()):
            time.sleep(0.001)

    def go_on(self):
        os.killpg(self.group, signal.SIGCONT)

    def kill(self):
        os.killpg(self.group, signal.SIGKILL)
        self.process.wait()
        while members(self.group):
            time.sleep(0.01)

    def finish(self):
        """Waits for the end, which has to be a good one."""
        while not self.ended():
            time.sleep(0.05)
        if self.process.returncode != 0:
            fail(f"exit code {self.process.returncode}: see {self.log}")


def kill_at(tool, moment):
    """Starts the tool and kills it where moment holds for its files. False: the topic
    was at its end, or the moment did not come."""
    run = Run(tool)
    changed, before = time.monotonic(), None
    while time.monotonic() < changed + STILL:
        if run.ended():
            fail(f"ended by itself, with exit code {run.process.returncode}: see {run.log}")
        p = tool.progress()
        if p != before:
            changed, before = time.monotonic(), p
        if p.finished < BEFORE or not moment(p):
            time.sleep(0.0002)
            continue
        run.stop()
        if moment(tool.progress()):
            run.kill()
            return moment(tool.progress())
        run.go_on()
    run.kill()
    return False


def undisturbed(tool, events):
    """Round 0: from an empty folder to the end, read by the glob all the while."""
    run, reads = Run(tool, "--until-current"), []
    while not run.ended():
        r = reading.read(tool.folder)
        if r.rows or r.error:
            reads.append(r)
    run.finish()
    last = reading.read(tool.folder)
    if last.error or last.doubled or last.missing(events):
        fail(f"{tool.name} without a kill: {last}: see {run.log}")
    say(f"round 0  {tool.name}: exact at the end")
    return last, reads


def disturbed(number, make, events):
    for _ in range(TRIES):
        tool = make()
        shutil.rmtree(tool.dir, ignore_errors=True)
        name, moment = tool.moments[(number - 1) % len(tool.moments)]
        if kill_at(tool, moment):
            break
    else:
        fail(f"{tool.name} was never met at this moment: {name}")
    after = reading.read(tool.folder)
    Run(tool, "--until-current").finish()
    end = reading.read(tool.folder)
    say(f"round {number}  {tool.name}, {name}: {after.error or after.rows}; after the restart {end.error or end.rows}")
    return tool, [number, tool.name, name, answer(after), answer(end), f"{end.unreadable:,}", f"{end.doubled:,}", f"{end.missing(events):,}"], end


def answer(r):
    """What somebody sees who reads the glob."""
    if r.error:
        return f"error: {r.error}"
    return f"{r.rows:,} rows" + (f", {r.doubled:,} of them twice" if r.doubled else "")


def table(rows):
    print("| " + " | ".join(map(str, rows[0])) + " |")
    print("|" + "---|" * len(rows[0]))
    for row in rows[1:]:
        print("| " + " | ".join(map(str, row)) + " |")


def own_reads(folders, jars):
    """Spark's own reading of its folders: it knows the log in them."""
    command = ["nice", "-n", "5", sys.executable, f"{HERE}/spark_job.py", "read", jars, *folders]
    got = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True)
    return [json.loads(line) for line in got.stdout.splitlines()]


def main():
    dir, broker, jars, binary, events, rounds = sys.argv[1:]
    events, rounds = int(events), int(rounds)
    reading.control(f"{dir}/control")

    def makers(number):
        return [lambda: Spark(f"{dir}/{number}/spark", broker, jars), lambda: Tidemark(f"{dir}/{number}/tidemark", broker, binary)]

    first, watched = {}, [("without a kill", "reads meanwhile", "that failed", "that showed a row twice")]
    for make in makers(0):
        tool = make()
        first[tool.name], reads = undisturbed(tool, events)
        watched.append((tool.name, len(reads), sum(bool(r.error) for r in reads), sum(r.doubled > 0 for r in reads)))
    if len({r.digest for r in first.values()}) > 1:
        fail("without a kill the two do not hold the same")

    rows = [("round", "tool", "killed when", "glob after the kill", "glob after the restart", "unreadable files", "rows doubled", "rows missing")]
    folders = [f"{dir}/0/spark/out"]
    for number in range(1, rounds + 1):
        for make in makers(number):
            tool, row, end = disturbed(number, make, events)
            if not end.missing(events) and end.digest != first[tool.name].digest:
                fail(f"round {number}: {tool.name} holds other rows than without a kill")
            rows.append(row)
            if isinstance(tool, Spark):
                folders.append(tool.folder)
    own = own_reads(folders, jars)
    print()
    table(watched)
    print()
    table(rows)
    exact = sum(r["rows"] == r["origins"] == events for r in own)
    print(f"\nSpark itself, which knows its log, read {exact} of its {len(own)} folders exactly.")


main()
