"""The two tools: how each is started on an empty folder, and how far its running
batch is, judged by nothing but what lies there."""

import glob
import json
import os
import sys
import uuid
from typing import NamedTuple

from reading import whole

HERE = os.path.dirname(os.path.abspath(__file__))
TOPIC = "transactions"


class Progress(NamedTuple):
    """What lies there of the batch that is under way."""

    finished: int  # batches that are through
    torn: int  # files of the batch without their end
    whole: int  # files of the batch with their end
    usual: int  # files of the batch before it
    committed: bool  # the tool's own record of the batch is there
    visible: int  # of a committed batch: files where a glob sees them


# What a kill can hit, in the order of the rounds.
UNCOMMITTED = [
    ("its first file half written", lambda p: p.torn > 0 and p.whole == 0 and not p.committed),
    ("half of its files whole, one half written", lambda p: p.torn > 0 and p.whole * 2 >= p.usual and not p.committed),
    ("its files whole, not committed", lambda p: p.torn == 0 and p.whole * 10 >= p.usual * 9 and not p.committed),
]


def names(folder):
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def numbers(folder):
    return {int(n.split(".")[0]) for n in names(folder) if n.split(".")[0].isdigit()}


class Spark:
    """The sink writes files where they stay, then _spark_metadata/N in the output,
    which commits them for those who read that log, then commits/N in the checkpoint."""

    name = "Spark"

    moments = [
        *UNCOMMITTED,
        ("committed in its log, not in its checkpoint", lambda p: p.committed),
        UNCOMMITTED[1],
    ]

    def __init__(self, dir, broker, jars):
        self.dir, self.folder, self.checkpoint = dir, f"{dir}/out", f"{dir}/checkpoint"
        self.arguments = [broker, TOPIC, self.folder, self.checkpoint, jars]
        self.logged = {}  # batch → the files that the sink's log names

    def command(self, *options):
        return ["nice", "-n", "5", sys.executable, f"{HERE}/spark_job.py", "run", *self.arguments, *options], dict(os.environ)

    def progress(self):
        begun, through = numbers(f"{self.checkpoint}/offsets"), numbers(f"{self.checkpoint}/commits")
        self.read_log()
        usual = len(self.logged.get(len(through) - 1, ()))
        if not begun or begun <= through:
            return Progress(len(through), 0, 0, usual, False, 0)
        logged = set().union(*self.logged.values())
        files = [f for f in glob.glob(f"{self.folder}/**/*.parquet", recursive=True) if os.path.basename(f) not in logged]
        good = sum(whole(f) for f in files)
        return Progress(len(through), len(files) - good, good, usual, max(begun) in self.logged, 0)

    def read_log(self):
        """N.compact repeats all before N: the files of N are those not seen yet."""
        log = f"{self.folder}/_spark_metadata"
        for n in sorted(numbers(log) - set(self.logged)):
            name = f"{log}/{n}.compact" if os.path.exists(f"{log}/{n}.compact") else f"{log}/{n}"
            with open(name) as f:
                files = {os.path.basename(json.loads(line)["path"]) for line in f.read().splitlines()[1:]}
            self.logged[n] = files.difference(*self.logged.values())


class Tidemark:
    """Files are staged below _tidemark, a record of the ledger commits them, and then
    they are moved to where a glob sees them."""

    name = "Tidemark"

    moments = [
        *UNCOMMITTED,
        ("committed, no file published", lambda p: p.committed and p.visible == 0),
        ("committed, some files published", lambda p: p.committed and p.visible > 0),
    ]

    def __init__(self, dir, broker, binary):
        self.dir, self.lake, self.folder = dir, f"{dir}/lake", f"{dir}/lake/{TOPIC}"
        # A new lake has a new group: in the old one Kafka waits for the member that was killed.
        self.environment = {**os.environ, "BESIDE_LAKE": self.lake, "BESIDE_BROKER": broker, "BESIDE_GROUP": f"beside-{uuid.uuid4()}"}
        self.binary, self.files, self.seen = binary, {}, set()

    def command(self, *options):
        return [self.binary, "run", "-c", f"{HERE}/tidemark.yaml", *options], self.environment

    def progress(self):
        """Looks at the oldest batch that has files in staging; the ledger is read after
        that, so that a batch that is committed meanwhile is seen as committed."""
        state = f"{self.lake}/_tidemark/{TOPIC}"
        staged = {b: [n for n in names(f"{state}/staging/{b}") if n != "manifest.json"] for b in names(f"{state}/staging")}
        self.read_ledger(f"{state}/ledger")
        staged = {b: files for b, files in staged.items() if files}
        usual = len(self.files[max(self.files)]) if self.files else 0
        if not staged:
            return Progress(len(self.files), 0, 0, usual, False, 0)
        batch = min(staged)
        if batch not in self.files:
            good = sum(whole(f"{state}/staging/{batch}/{n}") for n in staged[batch])
            return Progress(len(self.files), len(staged[batch]) - good, good, usual, False, 0)
        visible = sum(os.path.exists(f"{self.lake}/{f}") for f in self.files[batch])
        waiting = len(self.files[batch]) - visible
        return Progress(len(self.files) - 1, 0, waiting, usual, waiting > 0, visible)

    def read_ledger(self, ledger):
        for n in set(names(ledger)) - self.seen:
            if n[0].isdigit():
                with open(f"{ledger}/{n}") as f:
                    record = json.load(f)
                if record.get("files"):
                    self.files[record["batch"]] = [file["path"] for file in record["files"]]
                self.seen.add(n)
