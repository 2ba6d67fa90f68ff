"""How much processor time a server has used: user and system, with all its children, also those that have ended."""

import os
import time
from pathlib import Path

from .idle import family

TICKS = os.sysconf("SC_CLK_TCK")
SETTLE_S = 0.1  # until children of closed connections have ended and been counted


def ticks(pid, with_ended_children):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it ended a moment ago and is counted with its parent
    own, ended = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
    return own + (ended if with_ended_children else 0)


def seconds(server):
    time.sleep(SETTLE_S)
    first, *children = family(server.process.pid)
    return (ticks(first, True) + sum(ticks(child, False) for child in children)) / TICKS
