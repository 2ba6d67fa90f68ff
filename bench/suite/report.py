"""Tables for people: aligned text on a terminal, the same as Markdown for docs/BENCHMARKS.md."""

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def number(value, digits):
    return f"{value:,.{digits}f}"


def percent_or_times(spread, percent):
    if percent:
        return f"{spread.median:.0%} ({spread.low:.0%}–{spread.high:.0%})"
    return f"{spread.median:.2f} ({spread.low:.2f}–{spread.high:.2f})"


def cells(table):
    """Header and rows of strings."""
    header = ["case", "contestant", f"median {table.unit}", "min–max", *(c.title for c in table.comparisons)]
    rows = []
    for series in sorted_by_case(table):
        spread = series.spread
        row = [
            series.case,
            series.contestant,
            number(spread.median, table.digits),
            f"{number(spread.low, table.digits)}–{number(spread.high, table.digits)}",
        ]
        for comparison in table.comparisons:
            ratio = table.compare(series, comparison)
            row.append("" if ratio is None else percent_or_times(ratio, comparison.percent))
        rows.append(row)
    if not any(row[0] for row in rows):
        header, rows = header[1:], [row[1:] for row in rows]
    return header, rows


def sorted_by_case(table):
    """Cases in the order in which they first appear, the contestants of each together."""
    order = {}
    for series in table.series.values():
        order.setdefault(series.case, len(order))
    return sorted(table.series.values(), key=lambda series: order[series.case])


def target_line(target):
    verdict = "met" if target.met else "MISSED"
    sign = "≥" if target.at_least else "≤"
    value = target.value
    digits = 2 if target.unit == "×" else 1
    found = f"{value.median:.{digits}f} ({value.low:.{digits}f}–{value.high:.{digits}f})"
    return f"{verdict}: {target.text}: {found}, target {sign} {target.limit:g} {target.unit}"


def as_text(table):
    header, rows = cells(table)
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]
    texts = 1 if header[0] == "contestant" else 2  # the first columns hold words, the others numbers

    def line(row):
        fields = [f.ljust(w) if i < texts else f.rjust(w) for i, (f, w) in enumerate(zip(row, widths, strict=True))]
        return "  ".join(fields).rstrip()

    out = [f"{table.name}: {table.title}", "", line(header), line(["-" * w for w in widths]), *map(line, rows), ""]
    out += [target_line(target) for target in table.targets]
    out += [f"note: {note}" for note in table.notes]
    return "\n".join(out).rstrip() + "\n\n"


def as_markdown(table):
    header, rows = cells(table)
    texts = 1 if header[0] == "contestant" else 2
    out = [f"### {table.name}", "", table.title + ".", ""]
    out.append("| " + " | ".join(header) + " |")
    out.append("|" + "|".join("---" if i < texts else "---:" for i in range(len(header))) + "|")
    for row in rows:
        if row[texts - 1] == "merganser":
            row[texts - 1] = "**merganser**"
        out.append("| " + " | ".join(row) + " |")
    out.append("")
    out += [f"- {target_line(target)}" for target in table.targets]
    out += [f"- Note: {note}" for note in table.notes]
    for plot in table.plots:
        out += ["", f"![{plot.title}](images/{image_name(plot)})"]
    return "\n".join(out).rstrip() + "\n"


def image_name(plot):
    return f"bench-{plot.name}.svg"


def machine_text(facts):
    return "\n".join(f"{name + ':':<12} {value}" for name, value in facts.items()) + "\n"


def machine_markdown(facts):
    return "\n".join(f"- {name}: {value}" for name, value in facts.items()) + "\n"


def fill_document(path, facts, tables):
    """Replaces what stands between the two marks, and the plots in the folder images beside it."""
    text = path.read_text()
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path} has no place for figures: the lines {BEGIN} and {END} are missing")
    body = "\n".join([machine_markdown(facts), *map(as_markdown, tables)])
    path.write_text(f"{head}{BEGIN}\n\n{body}\n{END}{tail}")
    images = path.parent / "images"
    for table in tables:
        for plot in table.plots:
            images.mkdir(exist_ok=True)
            (images / image_name(plot)).write_text(plot.svg())
