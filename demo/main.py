"""Shows Merganser at work: six processes in four languages load, update and query one DuckDB file at the same time.

First it shows what plain DuckDB says to a second process. Then the processes start together, with no owner running:
each asks `merganser url FILE` for an address, and the first to ask starts the owner. Four of them load the flights,
the weather and the airports of New York in 2013 and add to the same three rows of totals; all of them read. When they
are done the owner is told to leave, and plain DuckDB checks that every row that any process was told to be written is
in the file, with the right values. The exit code is 1 when one is not.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import data
import plain
import processes
import report

REPO = Path(__file__).resolve().parents[1]
SHOW_INTERVAL_S = 2


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="./run",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  ./run\n  ./run --seconds 60\n  ./run --file /tmp/nyc.duckdb",
    )
    parser.add_argument("--seconds", type=float, default=10, help="how long the processes work (default 10)")
    parser.add_argument("--file", type=Path, default=REPO / "run-data" / "nyc.duckdb", help="the file; made anew")
    parser.add_argument("--merganser", type=Path, default=REPO / "build" / "release" / "merganser")
    parser.add_argument("--data", type=Path, default=REPO / ".data" / "nycflights13", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.file = options.file.resolve()
    return options


def merganser(options, *words, timeout=60):
    command = [str(word) for word in (options.merganser, *words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)


def make_room(options):
    """The last run's file goes, after its owner: the demo starts from nothing."""
    options.file.parent.mkdir(parents=True, exist_ok=True)
    if options.file.exists():
        merganser(options, "stop", options.file)
    name = options.file.name
    # The lock file stays: it is never removed while anybody might hold it.
    for suffix in ("", ".wal", ".wal.checkpoint", ".wal.recovery"):
        (options.file.parent / (name + suffix)).unlink(missing_ok=True)


def show_without(options):
    print("1. Without Merganser: plain DuckDB, two processes")
    file = options.file.with_name("plain.duckdb")
    file.unlink(missing_ok=True)
    ok = plain.show_lock_error(file)
    file.unlink(missing_ok=True)
    return ok


def status_line(options):
    done = merganser(options, "status", options.file, "--json")
    try:
        return f"   the owner is process {json.loads(done.stdout)['pid']}; the first to ask started it"
    except (json.JSONDecodeError, KeyError, TypeError):
        return f"   no status: {(done.stderr or done.stdout).strip()}"


def follow(options, started):
    """A line every two seconds until all have ended."""
    start = time.monotonic()
    shown_owner = False
    while any(process.thread.is_alive() for process in started):
        elapsed = time.monotonic() - start
        if elapsed > options.seconds + processes.GRACE_S:
            break
        time.sleep(min(SHOW_INTERVAL_S, max(0.1, options.seconds / 4)))
        if not shown_owner:
            print(status_line(options))
            shown_owner = True
        sums = {name: sum(process.counts[name] for process in started) for name in started[0].counts}
        working = sum(process.thread.is_alive() for process in started)
        print(
            f"   {time.monotonic() - start:4.0f} s  {sums['rows']:>9,} rows written  {sums['updates']:>7,} updates  "
            f"{sums['reads']:>7,} reads  {sums['errors']} errors  {working} processes",
            flush=True,
        )
    for process in started:
        process.wait(timeout=1)


def show_with(options):
    folder = options.file.parent / "acks"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.acks"):
        old.unlink()
    libpq_writer = options.merganser.parent / "demo" / "demo_libpq_writer"
    if not libpq_writer.exists():
        libpq_writer = REPO / "build" / "release" / "demo" / "demo_libpq_writer"
    made = processes.make(options, sys.executable, libpq_writer, folder, data.FLIGHTS)
    languages = len({process.language for process in made})
    print(f"2. With Merganser: {len(made)} processes, {languages} languages, one file, no owner running yet")
    environment = processes.environment(REPO)
    for process in made:
        process.start(environment)
    follow(options, made)
    print()
    print(report.table(made))
    print()
    ok = True
    for process in made:
        if process.problem:
            print(f"   BAD {process.name}: {process.problem}")
            ok = False
        for error in (process.result or {}).get("first_errors", []):
            print(f"   BAD {process.name}: {error}")
            ok = False
    return made, ok


def show_check(options, made):
    print("3. The owner leaves; plain DuckDB looks for every acknowledged row")
    start = time.monotonic()
    stopped = merganser(options, "stop", options.file)
    if stopped.returncode != 0:
        print(f"   BAD merganser stop: {(stopped.stderr or stopped.stdout).strip()}")
        return False
    print(f"   the owner has left after {time.monotonic() - start:.1f} s", flush=True)
    logs = [process.acks for process in made if process.acks.exists()]
    command = [sys.executable, Path(__file__).with_name("check.py"), options.file, options.data, *logs]
    return subprocess.run([str(word) for word in command], timeout=300).returncode == 0


def main():
    options = parse_arguments()
    if not options.merganser.exists():
        raise SystemExit(f"{options.merganser} is not there: run ./run build")
    if data.prepare(options.data):
        print(f"unpacked the data set into {options.data}")
    make_room(options)
    refused = show_without(options)
    print(flush=True)
    made, clean = show_with(options)
    print(flush=True)
    checked = show_check(options, made)
    print()
    if not (refused and clean and checked):
        print("The demo failed: see the lines that say BAD.")
        return 1
    print("Every acknowledged row is in the file. Go on with it:")
    print(f'   psql "$({options.merganser} url {options.file})"')
    return 0


if __name__ == "__main__":
    sys.exit(main())
