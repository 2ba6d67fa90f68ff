"""The demo's table: one line a process."""

HEADINGS = ("process", "language", "rows written", "updates", "reads", "errors", "write p50", "p99", "read p50", "p99 ms")


def number(value):
    return "" if value is None else f"{value:,}"


def pair(values):
    return ["", ""] if not values else [f"{value:.2f}" for value in values]


def line_of(process):
    result = process.result or {}
    counts = process.counts
    return [
        process.name,
        process.language,
        *(number(counts[name]) for name in ("rows", "updates", "reads", "errors")),
        *pair(result.get("write_ms")),
        *pair(result.get("read_ms")),
    ]


def table(processes):
    lines = [list(HEADINGS), *(line_of(process) for process in processes)]
    sums = {name: sum(process.counts[name] for process in processes) for name in processes[0].counts}
    lines.append(["all", "", *(number(sums[name]) for name in ("rows", "updates", "reads", "errors")), "", "", "", ""])
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    rule = "   " + "─" * (sum(widths) + 2 * (len(widths) - 1))
    shown = []
    for index, line in enumerate(lines):
        if index in (1, len(lines) - 1):
            shown.append(rule)
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths))
        ]
        shown.append("   " + "  ".join(cells).rstrip())
    return "\n".join(shown)
