"""Runs the rounds of scripts/bench-peers and prints its table.

    rounds.py --binary FILE --dir DIR --rounds N --wait SECONDS [--rows N --spark PYTHON]

With --rows the files of DIR/in are read. --spark is the Python that has pyspark.
"""

import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [f"{HERE}/../files", f"{HERE}/.."]

import files  # noqa: E402
from measure import CALM, THREADS, Failed, adopt, rounds, table, wait_for_calm  # noqa: E402
from tools import Spark  # noqa: E402


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--binary", required=True)
    p.add_argument("--dir", required=True)
    p.add_argument("--rounds", type=int, required=True)
    p.add_argument("--wait", type=float, required=True)
    p.add_argument("--rows", type=int, default=0)
    p.add_argument("--spark", default="")
    return p.parse_args()


def of_files(o):
    """Files of text as they are: Spark has no reader of packed ones on board."""
    tools = files.local(o.binary, o.dir) + [Spark(o.spark, way, f"{o.dir}/in", f"{o.dir}/out") for way in ("tutorial", "tuned")]
    return files.works(tools, o.dir, o.rows, ["csv", "ndjson"])


def main():
    o = arguments()
    adopt()
    works = of_files(o) if o.rows else []
    calm = wait_for_calm(o.wait)
    measured = rounds(works, o.rounds)
    print("\n".join(table(measured, works)))
    print()
    if o.rows:
        print("Files: " + files.verdict(measured, works[0]))
    print(f"Median of {o.rounds} after one to warm up; {THREADS} threads each. MB are of the text.")
    if not calm:
        print(f"NOT QUIET: the load average was {CALM} or more before the first round.")


if __name__ == "__main__":
    try:
        main()
    except Failed as e:
        sys.exit(f"bench-peers: {e}")
