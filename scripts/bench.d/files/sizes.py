"""What the files weigh beside those that DuckDB writes of the same rows, and what sorting them
costs and gives. Run by scripts/bench-files --sizes, on its inputs.

    sizes.py BINARY DIR ROUNDS
"""

import glob
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

import duckdb

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from measure import Work, adopt  # noqa: E402
from measure import rounds as in_turns  # noqa: E402
from tools import HERE, Configured, ask  # noqa: E402

# One account in the largest file, by whoever reads it, in a process of its own: what it read.
QUERY = """
import duckdb, sys
path, account = sys.argv[1:]
def read():
    return int(open("/proc/self/io").read().split()[1])
c = duckdb.connect()
c.sql("SELECT 1").fetchall()
before = read()
rows = c.sql(f"SELECT COLUMNS(*)::VARCHAR FROM read_parquet('{path}') WHERE account_id = {account}").fetchall()
print(len(rows), read() - before)
"""


def files_of(lake):
    return sorted(glob.glob(f"{lake}/transactions/**/*.parquet", recursive=True))


def by_duckdb(files, folder):
    """Bytes of the same rows, with the same columns, a file for each."""
    c = duckdb.connect()
    os.makedirs(folder)
    for i, path in enumerate(files):
        c.sql(f"COPY (SELECT * FROM read_parquet('{path}', hive_partitioning=false)) TO '{folder}/{i}.parquet' (FORMAT parquet, COMPRESSION zstd)")
    return sum(os.path.getsize(p) for p in glob.glob(f"{folder}/*.parquet"))


def one_account(files):
    """Rows, bytes read and bytes of the file in which one account is looked for."""
    path = max(files, key=os.path.getsize)
    account = duckdb.sql(f"SELECT account_id FROM read_parquet('{path}') ORDER BY account_id LIMIT 1 OFFSET 1000").fetchone()[0]
    rows, read = ask([sys.executable, "-c", QUERY, path, str(account)]).split()
    return int(rows), int(read), os.path.getsize(path)


def main():
    binary, folder, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with open(f"{HERE}/tidemark.yaml") as f:
        config = f.read().replace("memory: 384MiB", "memory: 1GiB")
    tools = []
    for name, sort in (("as they come", ""), ("sort_by: [account_id]", "\nwriter: {sort_by: [account_id]}")):
        path = f"{folder}/sizes-{len(tools)}.yaml"
        with open(path, "w") as f:
            f.write(config.replace("memory: 1GiB", "memory: 1GiB" + sort))
        tools.append(Configured(name, path, binary, f"{folder}/in", f"{folder}/lake-{len(tools)}"))
    adopt()
    events = f"{folder}/in/events.ndjson"
    work = Work("sizes", events, 0, os.path.getsize(events), tools, lambda *_: None)
    results = in_turns([work], rounds)[work.name]
    print("| rows | s | CPU s | bytes a row | DuckDB's, of the same rows | of DuckDB's | one account in one day: read of the file |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for t in tools:
        t.prepare()
        subprocess.run(t.command(work), env=t.environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        files = files_of(t.folder)
        rows = duckdb.sql(f"SELECT count(*) FROM read_parquet({files!r}, hive_partitioning=false)").fetchone()[0]
        ours = sum(os.path.getsize(p) for p in files) / rows
        with tempfile.TemporaryDirectory(dir=folder) as other:
            theirs = by_duckdb(files, f"{other}/duckdb") / rows
        found, read, size = one_account(files)
        if found == 0:
            sys.exit("sizes: the account was not found")
        seconds, cpu = (statistics.median(getattr(r, k) for r in results[t.name]) for k in ("seconds", "cpu"))
        print(f"| {t.name} | {seconds:.2f} | {cpu:.2f} | {ours:.1f} | {theirs:.1f} | {100 * ours / theirs:.0f} % | {100 * read / size:.1f} % of {size / 1e6:.1f} MB |")
        shutil.rmtree(t.folder)


if __name__ == "__main__":
    main()
