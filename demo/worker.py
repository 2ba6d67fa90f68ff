"""What the Python processes of the demo share: counting, timing, the log of acknowledged rows, progress lines.

Every process of the demo, in whatever language, takes the same arguments and prints JSON lines to standard output:
  {"rows": 200, "updates": 3, "reads": 1, "errors": 0}                     now and then
  {"end": true, "rows": …, "write_ms": [p50, p99], "read_ms": [p50, p99], "first_errors": […]}   last
Its log holds one line for what the server has acknowledged, written after the acknowledgement:
  flights,FIRST,LAST   weather,FIRST,LAST   airports,FIRST,LAST   (line numbers of the data)   totals,COLUMN,ORIGIN,N
"""

import argparse
import json
import subprocess
import time
from pathlib import Path

PROGRESS_INTERVAL_S = 0.5
KEPT_ERRORS = 3
SCHEMA = Path(__file__).with_name("schema.sql").read_text()


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--merganser", required=True)
    parser.add_argument("--file", required=True)
    parser.add_argument("--acks", required=True)
    parser.add_argument("--data", required=True, help="the folder of the CSV files")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--last", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=10)
    return parser.parse_args()


def url_of(options):
    """Asks for the file's address; the first process that asks starts the owner."""
    done = subprocess.run([options.merganser, "url", options.file], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise SystemExit(f"merganser url failed: {done.stderr.strip()}")
    return done.stdout.strip()


def percentiles(samples):
    """[p50, p99] in milliseconds, nothing when nothing was measured."""
    if not samples:
        return None
    ordered = sorted(samples)
    return [round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2) for share in (0.5, 0.99)]


class Worker:
    def __init__(self, options):
        self.counts = dict(rows=0, updates=0, reads=0, errors=0)
        self.write_ms = []
        self.read_ms = []
        self.first_errors = []
        self.acks = open(options.acks, "w", buffering=1)
        self.seconds = options.seconds
        self.deadline = None
        self.shown = 0.0

    def running(self):
        """Whether there is time left. The clock starts at the first question: when the process is connected."""
        now = time.monotonic()
        if self.deadline is None:
            self.deadline = now + self.seconds
        if now - self.shown > PROGRESS_INTERVAL_S:
            self.shown = now
            print(json.dumps(self.counts), flush=True)
        return now < self.deadline

    def wrote(self, milliseconds, rows=0, updates=0):
        self.write_ms.append(milliseconds)
        self.counts["rows"] += rows
        self.counts["updates"] += updates

    def acknowledged(self, *words):
        self.acks.write(",".join(str(word) for word in words) + "\n")

    def read(self, milliseconds):
        self.read_ms.append(milliseconds)
        self.counts["reads"] += 1

    def error(self, text):
        self.counts["errors"] += 1
        if len(self.first_errors) < KEPT_ERRORS:
            self.first_errors.append(str(text).strip())

    def finish(self):
        self.acks.close()
        result = dict(end=True, write_ms=percentiles(self.write_ms), read_ms=percentiles(self.read_ms))
        print(json.dumps(self.counts | result | {"first_errors": self.first_errors}), flush=True)
