"""What the benchmarks that compare tools have in common: a tool is run in a process of
its own, the tools take turns, and one Markdown table comes of it.

A tool is an object with

    name                  as the table has it
    folder                where it writes; it is removed before and after a run
    environment           of its process
    prepare()             what it needs before it is run, not measured
    command(work)         its process; done when that ends
    counts(work, printed) what has become of the rows, by what it has written
    arrived(work)         only for a service, which does not end by itself: whether all is done
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import NamedTuple

THREADS = 2
CALM = 0.5  # load average below which the machine is quiet
OTHERS = 0.1  # share of the processors that others may use during a run
LOOK = 0.2  # seconds between two looks at the memory of a tool's processes
POLL = 0.1  # seconds between two looks at what a service has done
PATIENCE = 1800  # seconds that a run may take
PARTING = 60  # seconds that a tool's processes may live on after their first
PR_SET_CHILD_SUBREAPER = 36
TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A tool, or what it has written, is not as it should be."""


class Result(NamedTuple):
    """One run of a tool, all its processes together."""

    seconds: float  # on the clock, until its first process has ended
    cpu: float  # seconds of user and system time
    peak: int  # bytes resident at most
    others: float  # share of the processors that others used meanwhile
    counts: dict  # rows by what became of them
    broker: float | None = None  # processor seconds of the broker that it read from


class Work(NamedTuple):
    """What tools are measured at: the same for each."""

    name: str
    path: str  # of the file, or the topic
    rows: int
    size: int  # bytes of the text, unpacked
    tools: list
    check: object  # of the results by tool: raises Failed where they are not right
    broker: int | None = None  # process of the broker


def say(text):
    print(text, file=sys.stderr, flush=True)


def busy():
    """Seconds that all processors together have worked so far, waiting not included."""
    with open("/proc/stat") as f:
        ticks = [int(n) for n in f.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / TICKS


def wait_for_calm(patience):
    """Waits until the load average of a minute is low. Returns whether it was."""
    until = time.monotonic() + patience
    while (load := os.getloadavg()[0]) >= CALM:
        if time.monotonic() > until:
            return False
        say(f"load average {load:.2f}; waiting until it is below {CALM}")
        time.sleep(10)
    return True


def adopt():
    """Makes this process the parent of what a tool's first process leaves behind, so
    that the processor time of all of them is known: Spark's Python does not wait for its
    Java. And all of them run on two processors."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "become the parent of orphans")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])


def read(path):
    try:
        with open(path) as f:
            return f.read()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return ""


def children(pid):
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except FileNotFoundError:
        return []
    return [int(child) for task in tasks for child in read(f"/proc/{pid}/task/{task}/children").split()]


def tree(pid):
    """A process and all that come of it."""
    found, at = [pid], 0
    while at < len(found):
        found += children(found[at])
        at += 1
    return found


def resident(pids):
    """Bytes that processes have in memory."""
    pages = sum(int(statm.split()[1]) for pid in pids if (statm := read(f"/proc/{pid}/statm")))
    return pages * os.sysconf("SC_PAGE_SIZE")


def used(pids):
    """Processor seconds of processes, and of their children that they have waited for."""
    total = 0
    for pid in pids:
        if stat := read(f"/proc/{pid}/stat"):
            total += sum(int(n) for n in stat.rpartition(")")[2].split()[11:15])
    return total / TICKS


class Memory:
    """Looks at the memory of our children again and again, in a thread of its own."""

    def __enter__(self):
        self.peak, self.end = 0, threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()

    def look(self):
        while not self.end.wait(LOOK):
            self.peak = max(self.peak, resident(tree(os.getpid())[1:]))


class Run:
    """The processes of a tool at work."""

    def __init__(self, tool, work, out, log):
        self.start = time.monotonic()
        self.tool, self.work, self.cpu, self.peak, self.code = tool, work, 0.0, 0, None
        self.process = subprocess.Popen(
            tool.command(work), env=tool.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=log, start_new_session=True)

    def bury(self, options=0):
        """Waits for one child, ours or adopted. False: none has ended."""
        pid, status, usage = os.wait4(-1, options)
        if pid == 0:
            return False
        self.cpu += usage.ru_utime + usage.ru_stime
        self.peak = max(self.peak, usage.ru_maxrss * 1024)
        if pid == self.process.pid:
            self.code = self.process.returncode = os.waitstatus_to_exitcode(status)
        return True

    def finish(self):
        """Waits until the tool is done. Returns the seconds that it took."""
        if not hasattr(self.tool, "arrived"):
            while self.code is None:
                self.bury()
            return time.monotonic() - self.start
        while not self.tool.arrived(self.work):
            if self.bury(os.WNOHANG) and self.code is not None:
                raise Failed(f"{self.tool.name} ended with {self.code} before it was done")
            if time.monotonic() - self.start > PATIENCE:
                raise Failed(f"{self.tool.name} is not done after {PATIENCE} seconds")
            time.sleep(POLL)
        return time.monotonic() - self.start

    def part(self):
        """Waits for all that is left of the tool; a service is told to end."""
        self.signal(signal.SIGTERM)
        until = time.monotonic() + PARTING
        while True:
            try:
                if not self.bury(os.WNOHANG):
                    if time.monotonic() > until:
                        self.signal(signal.SIGKILL)
                    time.sleep(0.02)
            except ChildProcessError:  # none is left
                return

    def signal(self, number):
        if self.code is None or number == signal.SIGKILL:
            for pid in tree(os.getpid())[1:]:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass


def measure(tool, work):
    """Runs a tool once, on an empty folder and a disk with nothing left to write."""
    shutil.rmtree(tool.folder, ignore_errors=True)
    tool.prepare()
    os.sync()
    brokers = [work.broker] if work.broker else []
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as log:
        worked, served = busy(), used(brokers)
        run = Run(tool, work, out, log)
        try:
            with Memory() as memory:
                seconds = run.finish()
                if run.code is None:  # a service: what it does to end does not count
                    cpu = used(tree(os.getpid())[1:]) + run.cpu
                worked, served = busy() - worked, used(brokers) - served
        except Failed as e:
            log.seek(0)
            raise Failed(f"{e}:\n{log.read()[-4000:]}") from None
        finally:
            service = run.code is None
            run.part()
        out.seek(0)
        log.seek(0)
        if not service and run.code != 0:
            raise Failed(f"{tool.name} ended with {run.code} on {work.name}:\n{log.read()[-4000:]}")
        counts = tool.counts(work, out.read())
    shutil.rmtree(tool.folder, ignore_errors=True)
    cpu = cpu if service else run.cpu
    others = max(0.0, worked - cpu - served) / (seconds * os.cpu_count())
    return Result(seconds, cpu, max(memory.peak, run.peak), others, counts, served if brokers else None)


def rounds(works, number):
    """Measures everything so often after a round to warm up, the tools in turns, so that
    a machine that changes its speed meanwhile changes it for all."""
    measured = {work.name: {tool.name: [] for tool in work.tools} for work in works}
    for n in range(number + 1):
        for work in works:
            turn = n % len(work.tools)
            results = {tool.name: measure(tool, work) for tool in work.tools[turn:] + work.tools[:turn]}
            work.check(results, work.rows)
            say(f"round {n} of {number}, {work.name}: " + ", ".join(f"{name} {r.seconds:.2f} s" for name, r in sorted(results.items())))
            for name, result in results.items():
                if n > 0:
                    measured[work.name][name].append(result)
    return measured


def median(results):
    """The run in the middle, as a whole: its figures belong together."""
    return sorted(results, key=lambda r: r.seconds)[len(results) // 2]


def table(measured, works):
    """Lines of Markdown: each work, each tool, and Tidemark's rates over the tool's."""
    brokers = any(r.broker is not None for tools in measured.values() for results in tools.values() for r in results)
    heads = ["s", "of all rounds", "rows/s", "MB/s", "CPU s", *(["broker CPU s"] if brokers else []), "rows per CPU second", "peak MiB"]
    yield "| input | tool | " + " | ".join(heads) + " | Tidemark is, by the clock | by CPU |"
    yield "|---|---|" + "--:|" * (len(heads) + 2)
    for work in works:
        tools = measured[work.name]
        ours = median(tools["Tidemark"])
        for name, results in tools.items():
            r, all_seconds = median(results), [x.seconds for x in results]
            mark = " (not quiet)" if max(x.others for x in results) > OTHERS else ""
            cells = [
                f"{work.name}", f"{name}{mark}", f"{r.seconds:.2f}", f"{min(all_seconds):.2f} to {max(all_seconds):.2f}",
                f"{work.rows / r.seconds:,.0f}", f"{work.size / 1e6 / r.seconds:,.0f}", f"{r.cpu:.2f}",
                *([f"{r.broker:.2f}" if r.broker is not None else ""] if brokers else []),
                f"{work.rows / r.cpu:,.0f}", f"{r.peak / (1 << 20):,.0f}", f"{r.seconds / ours.seconds:.2f} ×", f"{r.cpu / ours.cpu:.2f} ×",
            ]
            yield "| " + " | ".join(cells) + " |"
