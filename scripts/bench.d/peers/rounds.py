"""Runs the rounds of scripts/bench-peers and prints its table.

    rounds.py --binary FILE --dir DIR --rounds N --wait SECONDS --spark PYTHON
              [--rows N] [--broker ADDRESS --pid N --filled JSON --driver FILE --jars DIR --libs DIR]

With --rows the files of DIR/in are read. With --broker its topic is drained, filled by what
DIR/driver said in JSON. --spark is the Python that has pyspark, --jars its Kafka source,
--libs Kafka Connect with Iceberg's sink.
"""

import argparse
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [f"{HERE}/../files", f"{HERE}/.."]

import files  # noqa: E402
import streams  # noqa: E402
from measure import CALM, THREADS, Failed, Work, adopt, rounds, table, wait_for_calm  # noqa: E402
from tools import Spark  # noqa: E402


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--binary", required=True)
    p.add_argument("--dir", required=True)
    p.add_argument("--rounds", type=int, required=True)
    p.add_argument("--wait", type=float, required=True)
    p.add_argument("--rows", type=int, default=0)
    p.add_argument("--spark", required=True)
    p.add_argument("--broker", default="")
    p.add_argument("--pid", type=int)
    p.add_argument("--filled", type=json.loads)
    p.add_argument("--driver")
    p.add_argument("--jars")
    p.add_argument("--libs")
    return p.parse_args()


def of_files(o):
    """Files of text as they are: Spark has no reader of packed ones on board."""
    tools = files.local(o.binary, o.dir) + [Spark(o.spark, way, f"{o.dir}/in", f"{o.dir}/out") for way in ("tutorial", "tuned")]
    return files.works(tools, o.dir, o.rows, ["csv", "ndjson"])


def of_topic(o):
    """The whole topic, drained."""
    kinds = {"good": 0, "late": 0, "failing": 0, "broken": 0, **o.filled["kinds"]}
    tools = [
        streams.Tidemark(o.binary, o.dir, o.broker),
        streams.Spark(o.spark, o.jars, o.dir, o.broker),
        streams.Iceberg(o.libs, o.dir, o.broker, kinds),
        streams.Raw(o.driver, o.dir, o.broker),
    ]
    return [Work("Kafka", streams.TOPIC, o.filled["rows"], o.filled["bytes"], tools, streams.right(tools, kinds), o.pid)]


def main():
    o = arguments()
    adopt()
    works = (of_files(o) if o.rows else []) + (of_topic(o) if o.broker else [])
    calm = wait_for_calm(o.wait)
    measured = rounds(works, o.rounds)
    print("\n".join(table(measured, works)))
    print()
    if o.rows:
        print("Files: " + files.verdict(measured, works[0]))
    if o.broker:
        print(f"Kafka: {o.filled['rows']:,} events, {', '.join(f'{n:,} {kind}' for kind, n in o.filled['kinds'].items())}; each tool has written what it should.")
    print(f"Median of {o.rounds} after one to warm up; {THREADS} threads each. MB are of the text.")
    if not calm:
        print(f"NOT QUIET: the load average was {CALM} or more before the first round.")


if __name__ == "__main__":
    try:
        main()
    except Failed as e:
        sys.exit(f"bench-peers: {e}")
