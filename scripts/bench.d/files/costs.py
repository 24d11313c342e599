"""What the checks that look beyond a batch cost: the whole suite beside the suite without them,
in turns. Run by scripts/bench-files --costs, on its inputs.

    costs.py BINARY DIR ROUNDS
"""

import os
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from measure import Work, adopt  # noqa: E402
from measure import rounds as in_turns  # noqa: E402
from tools import HERE, Configured  # noqa: E402

SUITES = {
    "all checks": None,
    "without the reference": "reference:",
    "without uniqueness over the run": "unique:",
}


def main():
    binary, folder, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with open(f"{HERE}/tidemark.yaml") as f:
        config = f.readlines()
    tools = []
    for name, check in SUITES.items():
        left = [line for line in config if check is None or check not in line]
        if len(left) != len(config) - (check is not None):
            sys.exit(f"costs: the configuration has {check!r} not once")
        path = f"{folder}/costs-{len(tools)}.yaml"
        with open(path, "w") as f:
            f.writelines(left)
        tools.append(Configured(name, path, binary, f"{folder}/in", f"{folder}/lake-{len(tools)}"))
    adopt()
    print("| input | suite | s | CPU s | of the CPU time of all checks |")
    print("|---|---|--:|--:|--:|")
    works = []
    for kind in ("csv", "ndjson"):
        events = f"{folder}/in/events.{kind}"
        works.append(Work(kind, events, 0, os.path.getsize(events), tools, lambda *_: None))
    for kind, results in in_turns(works, rounds).items():
        whole = statistics.median(r.cpu for r in results["all checks"])
        for name, rs in results.items():
            cpu = statistics.median(r.cpu for r in rs)
            print(f"| {kind} | {name} | {statistics.median(r.seconds for r in rs):.2f} | {cpu:.2f} | {100 * cpu / whole:.0f} % |")


if __name__ == "__main__":
    main()
