"""Runs the rounds of scripts/bench-files and prints its table.

    rounds.py BINARY DIR ROWS ROUNDS WAIT

The events are in DIR/in. WAIT is how many seconds it waits at most for the machine to be
quiet; 0 does not.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/..")

from files import local, verdict, works  # noqa: E402
from measure import CALM, THREADS, Failed, adopt, rounds, table, wait_for_calm  # noqa: E402

INPUTS = ["csv", "csv.zst", "ndjson", "ndjson.zst"]


def main(binary, folder, rows, number, patience):
    adopt()
    todo = works(local(binary, folder), folder, int(rows), INPUTS)
    calm = wait_for_calm(float(patience))
    measured = rounds(todo, int(number))
    print("\n".join(table(measured, todo)))
    print(f"\n{verdict(measured, todo[-1])}")
    print(f"Median of {number} after one to warm up; {THREADS} threads each. MB are of the text, unpacked.")
    if not calm:
        print(f"NOT QUIET: the load average was {CALM} or more before the first round.")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Failed as e:
        sys.exit(f"bench-files: {e}")
