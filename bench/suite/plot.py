"""Line plots as SVG, drawn by hand: no script, no font of its own, readable on light and dark pages."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 84, 150, 46, 54
COLOURS = {"merganser": "#c2410c", "PostgreSQL": "#2563eb", "in process": "#ca8a04", "Quack": "#65a30d", "null server": "#8b949e"}
OTHER_COLOURS = ("#7c3aed", "#0891b2", "#be185d")
INK, GRID, PAPER = "#30363d", "#d8dee4", "#ffffff"


class Plot:
    """Lines over a logarithmic x and y; the whiskers are the smallest and the largest value of the rounds."""

    def __init__(self, name, title, x_label, y_label):
        self.name, self.title, self.x_label, self.y_label = name, title, x_label, y_label
        self.lines = {}

    def add(self, line, x, spread):
        self.lines.setdefault(line, []).append((x, spread))

    def svg(self):
        points = [point for line in self.lines.values() for point in line]
        xs = sorted({x for x, _ in points})
        scale = Scale(xs, [value for _, s in points for value in (s.low, s.median, s.high) if value > 0])
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
            f'font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="{escape(self.title)}">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="{PAPER}"/>',
            text(LEFT, 26, self.title, size=16, weight="600"),
            text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, self.x_label, anchor="middle"),
            f'<g transform="rotate(-90)">{text(-(TOP + HEIGHT - BOTTOM) / 2, 22, self.y_label, anchor="middle")}</g>',
        ]
        for value in scale.y_marks():
            y = scale.y(value)
            parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{GRID}"/>')
            parts.append(text(LEFT - 8, y + 4, short(value), anchor="end"))
        parts += [text(scale.x(x), HEIGHT - BOTTOM + 20, str(x), anchor="middle") for x in xs]
        others = iter(OTHER_COLOURS * len(self.lines))
        labels = []
        for name, line in self.lines.items():
            colour = COLOURS.get(name) or next(others)
            parts.append(drawn(line, scale, colour, 3 if name == "merganser" else 1.8))
            labels.append([scale.y(line[-1][1].median), scale.x(line[-1][0]), name, colour])
        parts += [text(x + 10, y + 4, name, colour=colour, weight="600") for y, x, name, colour in apart(labels)]
        return "\n".join([*parts, "</svg>"]) + "\n"


class Scale:
    def __init__(self, xs, values):
        self.x_low, self.x_high = math.log(min(xs)), math.log(max(xs))
        self.y_low, self.y_high = math.floor(math.log10(min(values)) * 2) / 2, math.ceil(math.log10(max(values)) * 2) / 2
        if self.y_high == self.y_low:
            self.y_high += 0.5

    def x(self, value):
        share = (math.log(value) - self.x_low) / ((self.x_high - self.x_low) or 1)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        share = (math.log10(max(value, 1e-9)) - self.y_low) / (self.y_high - self.y_low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def y_marks(self):
        for power in range(math.floor(self.y_low), math.ceil(self.y_high) + 1):
            for digit in (1, 2, 5) if self.y_high - self.y_low < 2.5 else (1,):
                value = digit * 10.0**power
                if self.y_low - 1e-9 <= math.log10(value) <= self.y_high + 1e-9:
                    yield value


def drawn(line, scale, colour, width):
    at = [(scale.x(x), scale.y(s.median), scale.y(s.low), scale.y(s.high)) for x, s in line]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y, _, _ in at)
    whiskers = "".join(f"M{x:.1f} {low:.1f}V{high:.1f}" for x, _, low, high in at)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y, _, _ in at)
    return (
        f'<path d="{whiskers}" stroke="{colour}" stroke-width="1" opacity="0.6"/>'
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"/>{dots}'
    )


def apart(labels):
    """Moved down where two would overlap."""
    least = 0
    for label in sorted(labels):
        label[0] = max(label[0], least)
        least = label[0] + 16
        yield label


def text(x, y, content, *, anchor="start", size=13, colour=INK, weight="400"):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}" '
        f'font-weight="{weight}">{escape(content)}</text>'
    )


def short(value):
    for limit, letter in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g}{letter}"
    return f"{value:g}"
