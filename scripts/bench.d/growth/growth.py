"""How the speed of Tidemark changes with what grows: runs the series of scripts/bench-growth,
prints them as Markdown and draws them.

    growth.py BINARY DIR PICTURE SCALE

Each point is a backfill by the program, from its start to its exit, on files made before, into a
new lake in DIR; the median of three. SCALE divides the sizes, to try it out.
"""

import glob
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time

import plot

ROUNDS = 3
CONFIG = """lake: file://{lake}
source_system: bench
memory: {memory}
batch: {{max_rows: {rows}}}
tables:
  - name: t
    event_time: at
    columns:
{columns}
    checks:
      - {{completeness: [c0], severity: fail}}
      - {{range: c1, min: 0, severity: fail}}
"""
WORDS = ["COMPLETED", "PENDING", "DECLINED", "USD", "EUR", "CHF", "POS", "ONLINE", "ATM", "Merchant 00001", "Merchant 00815"]
KINDS = ["long", '"decimal(18,2)"', "string"]


def say(text):
    print(text, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, binary, folder, scale):
        self.binary, self.dir, self.scale = binary, folder, scale
        self.rng = random.Random(1)

    def rows(self, n):
        return max(n // self.scale, 1000)

    def config(self, columns=10, rows=500_000, memory="1GiB"):
        """The path of a configuration for a table of so many columns."""
        names = "\n".join(f"      - {{name: c{i}, type: {KINDS[i % 3]}}}" for i in range(columns - 1))
        path = f"{self.dir}/tidemark.yaml"
        with open(path, "w") as f:
            f.write(CONFIG.format(lake=f"{self.dir}/lake", memory=memory, rows=rows, columns="      - {name: at, type: timestamp}\n" + names))
        return path

    def event(self, i, columns, at, pad=0):
        """The i-th event, as a line."""
        rng, parts = self.rng, [f'"at":"{at}"']
        for c in range(columns - 1):
            if c % 3 == 0:
                parts.append(f'"c{c}":{i if c == 0 else rng.randrange(100_000)}')
            elif c % 3 == 1:
                parts.append(f'"c{c}":{rng.randrange(500_000) / 100:.2f}')
            else:
                text = rng.choice(WORDS)
                if c == 2 and pad:
                    text = self.text(pad)
                parts.append(f'"c{c}":"{text}"')
        return "{" + ",".join(parts) + "}\n"

    def text(self, n):
        """A text of n bytes of which no two are alike, and that packs about as letters do."""
        start = self.rng.randrange(len(self.noise) - n)
        return self.noise[start : start + n]

    @property
    def noise(self):
        if not hasattr(self, "_noise"):
            self._noise = "".join(self.rng.choices("etaoin shrdlu cmfwyp", k=1 << 20))
        return self._noise

    def write(self, name, rows, columns=10, days=1, pad=0):
        """Writes events in any order of their days. Returns the path and its size."""
        path = f"{self.dir}/{name}.ndjson"
        epoch = time.mktime((2026, 1, 1, 0, 0, 0, 0, 0, 0))
        dates = [time.strftime("%Y-%m-%d", time.localtime(epoch - 86400 * d)) for d in range(days)]
        with open(path, "w") as f:
            for i in range(rows):
                at = f"{self.rng.choice(dates)}T{i // 3600 % 24:02d}:{i // 60 % 60:02d}:{i % 60:02d}Z"
                f.write(self.event(i, columns, at, pad))
        return path, os.path.getsize(path)

    def backfill(self, config, path, **environment):
        """Seconds on the clock of one command, into a new lake."""
        shutil.rmtree(f"{self.dir}/lake", ignore_errors=True)
        os.sync()
        with open(f"{self.dir}/log", "w+") as log:
            start = time.monotonic()
            p = subprocess.Popen([self.binary, "backfill", "-c", config, "--table", "t", "--json", path], stdout=log, stderr=log, env={**os.environ, **environment})
            failed = p.wait() != 0
            seconds = time.monotonic() - start
            if failed:
                log.seek(0)
                sys.exit(f"growth: backfill ended with {p.returncode}: {log.read()[-2000:]}")
        return seconds

    def status(self, config):
        """Seconds of a command that has to know where the table stands."""
        start = time.monotonic()
        subprocess.run([self.binary, "status", "-c", config, "--json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        return time.monotonic() - start

    def median(self, config, path, **environment):
        return statistics.median(self.backfill(config, path, **environment) for _ in range(ROUNDS))

    def cores(self):
        path, _ = self.write("cores", self.rows(2_000_000))
        config, out = self.config(), []
        many = os.cpu_count()
        for n in sorted({1, 2, 4, 8, 16, many}):
            if n <= many:
                out.append((n, self.rows(2_000_000) / self.median(config, path, GOMAXPROCS=str(n)) / 1e6))
        return plot.Series("cores", "processors", "million rows/s", out)

    def batches(self):
        """Small batches, so that what each costs is seen: how many are decided in a second."""
        rows, each = self.rows(1_000_000), 1000
        path, _ = self.write("batches", rows)
        self.backfill(self.config(rows=each), path)
        at = {}
        for name in glob.glob(f"{self.dir}/lake/_tidemark/t/ledger/*.json"):
            with open(name) as f:
                record = json.load(f)
            if record["kind"] == "batch":
                at[record["seq"]] = record["decided_at"]
        seconds = [time.mktime(time.strptime(at[s][:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + at[s][19:-1]) for s in sorted(at)]
        step = max(len(seconds) // 10, 1)
        out = [(i + step, step / (seconds[min(i + step, len(seconds) - 1)] - seconds[i])) for i in range(0, len(seconds) - step, step)]
        return plot.Series("batches", "batches in the ledger", "batches of 1,000 rows a second", out)

    def start(self):
        """A command that loads the ledger and says what it found."""
        out = []
        for n in (1, 10, 100, 1000):
            path, _ = self.write("start", n * 1000)
            config = self.config(rows=1000)
            self.backfill(config, path)
            out.append((n, statistics.median(self.status(config) for _ in range(5)) * 1000))
        return plot.Series("start", "batches in the ledger", "ms of tidemark status", out)

    def days(self):
        out, files = [], []
        rows = self.rows(500_000)
        for n in (1, 3, 10, 30, 100, 300, 1000, 2000):
            path, _ = self.write("days", rows, days=n)
            seconds = self.median(self.config(), path)
            count = len(glob.glob(f"{self.dir}/lake/t/**/*.parquet", recursive=True))
            out.append((n, rows / seconds / 1e6))
            files.append((n, count / seconds))
        return [plot.Series("days", "days in a batch", "million rows/s", out), plot.Series("files", "days in a batch", "files a second", files)]

    def columns(self):
        out = []
        for n in (10, 20, 50, 100, 200):
            rows = self.rows(10_000_000 // n)
            path, _ = self.write("columns", rows, columns=n)
            out.append((n, rows * n / self.median(self.config(columns=n), path) / 1e6))
        return plot.Series("columns", "columns", "million cells/s", out)

    def size(self):
        out = []
        for n in (100, 300, 1000, 10_000, 100_000):
            rows = max(self.rows(200_000_000 // n), 1000)
            columns = 4
            path, size = self.write("size", rows, columns=columns, pad=max(n - 60, 1))
            out.append((n, size / self.median(self.config(columns=columns), path) / 1e6))
        return plot.Series("size", "bytes of an event", "MB/s", out)


def durable(folder):
    """Milliseconds until a new file of 256 KiB is on the disk, and until its name is: medians."""
    data, times = os.urandom(256 << 10), []
    for i in range(100):
        path = f"{folder}/durable-{i}"
        with open(path, "wb", buffering=0) as f:
            f.write(data)
            start = time.monotonic()
            os.fsync(f.fileno())
        bytes_there = time.monotonic()
        names = os.open(folder, os.O_RDONLY)
        os.fsync(names)
        os.close(names)
        times.append((bytes_there - start, time.monotonic() - bytes_there))
        os.remove(path)
    return [statistics.median(t) * 1000 for t in zip(*times)]


def main():
    binary, folder, picture, scale = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    bench, all_series = Bench(binary, folder, scale), []
    for measure in (bench.cores, bench.batches, bench.start, bench.days, bench.columns, bench.size):
        say(f"measuring {measure.__name__}")
        got = measure()
        all_series += got if isinstance(got, list) else [got]
    for s in all_series:
        print(s.markdown())
    print("A new file of 256 KiB is on this disk {:.2f} ms after it was written, and its name {:.2f} ms later.".format(*durable(folder)))
    with open(picture, "w") as f:
        f.write(plot.draw(all_series))


if __name__ == "__main__":
    main()
