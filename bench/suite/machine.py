"""What the figures depend on: processor, kernel, disk, versions, and who else used the machine."""

import os
import platform
import statistics
import subprocess
import time
from pathlib import Path

FSYNC_PROBES = 200


def output(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def memory_gib():
    total_kib = int(Path("/proc/meminfo").read_text().split()[1])
    return total_kib / 2**20


def file_system(folder):
    return output(["findmnt", "-n", "-o", "FSTYPE,SOURCE", "-T", folder]).replace("\n", " ")


def fsync_ms(folder):
    """How long the disk takes to make 4 KiB durable, as every commit has to: median and 99th percentile."""
    path = Path(folder) / "fsync-probe"
    times = []
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        for _ in range(FSYNC_PROBES):
            before = time.perf_counter()
            os.write(fd, b"x" * 4096)
            os.fsync(fd)
            times.append((time.perf_counter() - before) * 1000)
    finally:
        os.close(fd)
        path.unlink()
    times.sort()
    return statistics.median(times), times[int(0.99 * (len(times) - 1))]


def revision(root):
    short = output(["git", "-C", root, "rev-parse", "--short", "HEAD"])
    # Only what is compiled counts: a changed document does not change a figure.
    dirty = output(["git", "-C", root, "status", "--porcelain", "--", "src", "CMakeLists.txt", "cmake"])
    return short + (" with uncommitted changes" if dirty else "")


def processor_seconds():
    """Of all processors since the start of the machine: busy, idle, and kept by the host for itself."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    user, nice, system, idle, wait, irq, softirq, steal = (field / os.sysconf("SC_CLK_TCK") for field in fields[:8])
    return user + nice + system + irq + softirq, idle + wait, steal


def busy_share(seconds):
    busy, idle, _ = processor_seconds()
    time.sleep(seconds)
    busy_now, idle_now, _ = processor_seconds()
    return (busy_now - busy) / max(busy_now - busy + idle_now - idle, 1e-9)


def stolen_seconds():
    return processor_seconds()[2]


class Disturbance:
    """Who else used the processors: looked at before a benchmark, when nothing of ours works, and over its length."""

    PROBE_S = 1
    OTHERS_LIMIT, STOLEN_LIMIT = 0.05, 0.02

    def __init__(self):
        self.others = busy_share(self.PROBE_S)
        self.start, self.stolen_before = time.monotonic(), stolen_seconds()

    def notes(self):
        elapsed = time.monotonic() - self.start
        stolen = (stolen_seconds() - self.stolen_before) / elapsed / os.cpu_count()
        if self.others > self.OTHERS_LIMIT:
            yield f"other work used {self.others:.0%} of the processors just before: measure again when it has ended"
        if stolen > self.STOLEN_LIMIT:
            yield f"the host kept {stolen:.0%} of the processors' time for itself"


def facts(root, folder, postgres_version, duckdb_version, merganser):
    median, p99 = fsync_ms(folder)
    return {
        "machine": f"{os.cpu_count()} × {processor()}, {memory_gib():.0f} GiB",
        "system": f"{platform.system()} {platform.release()}, {file_system(folder)}",
        "disk": f"4 KiB written and fsynced: median {median:.2f} ms, 99 % within {p99:.2f} ms",
        "merganser": f"{output([merganser, '--version'])}, revision {revision(root)}",
        "DuckDB": duckdb_version,
        "PostgreSQL": postgres_version,
    }
