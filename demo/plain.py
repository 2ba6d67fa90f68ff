"""What happens without Merganser: two processes that open one file with DuckDB itself."""

import subprocess
import sys

HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("CREATE TABLE IF NOT EXISTS t (i INTEGER)")
print("open", flush=True)
sys.stdin.read()
"""
SECOND = """
import os, sys, duckdb
print(f"process {os.getpid()}", flush=True)
try:
    duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
except duckdb.Error as error:
    print(error)
    sys.exit(1)
"""


def second_process(file, mode):
    done = subprocess.run([sys.executable, "-c", SECOND, str(file), mode], capture_output=True, text=True, timeout=60)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return done.returncode, lines


def show_lock_error(file):
    """Prints what a second process gets, for writing and for reading. True when both were refused."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        holder.stdout.readline()
        print(f"   process {holder.pid} has {file.name} open with plain DuckDB")
        refused = 0
        for mode in ("write", "read"):
            code, lines = second_process(file, mode)
            print(f"   {lines[0]} wants to {mode}: {' '.join(lines[1:2]) or 'it may'}")
            refused += code != 0
        return refused == 2
    finally:
        holder.stdin.close()
        holder.wait(timeout=30)
