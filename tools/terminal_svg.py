#!/usr/bin/env python3
"""Draws captured terminal output as an SVG: plain monospaced text, no colours, no script, no font of its own.

  ./run 2>&1 | tee demo.txt
  tools/terminal_svg.py demo.txt --prompt './run' > docs/images/demo.svg
  tools/terminal_svg.py demo.txt --replace "$PWD/=" --width 120 > docs/images/demo.svg

The text is what was captured; only --replace changes it, to shorten paths, and long lines are folded.
"""

import argparse
import sys
from pathlib import Path
from xml.sax.saxutils import escape

CELL, LINE, MARGIN, SIZE = 7.8, 17, 14, 13
BACKGROUND, TEXT, DIM = "#1d2126", "#d8dee4", "#8b949e"


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="the captured text; - is standard input")
    parser.add_argument("--prompt", help="the command, shown above its output")
    parser.add_argument("--width", type=int, default=120, help="columns; longer lines are folded (default 120)")
    parser.add_argument("--replace", action="append", default=[], metavar="OLD=NEW", help="shortens a text")
    return parser.parse_args()


def folded(line, width):
    """At blanks where there are some, with the line's own indentation and two columns more."""
    indent = " " * min(len(line) - len(line.lstrip()) + 2, width // 2)
    lines = []
    while len(line) > width:
        cut = line.rfind(" ", len(indent) + 1, width + 1)
        cut = cut if cut > width // 2 else width
        lines.append(line[:cut].rstrip())
        line = indent + line[cut:].lstrip()
    return [*lines, line.rstrip()]


def drawn(lines, width):
    shown = []
    for number, (text, colour) in enumerate(lines):
        if not text.strip():
            continue
        column = len(text) - len(text.lstrip())
        text = text.strip()
        # The length is set, so that columns stand in line whatever font the reader has.
        shown.append(
            f'<text x="{MARGIN + column * CELL:.1f}" y="{MARGIN + (number + 0.8) * LINE:.1f}" fill="{colour}" '
            f'textLength="{len(text) * CELL:.1f}" xml:space="preserve">{escape(text)}</text>'
        )
    height = 2 * MARGIN + len(lines) * LINE
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * CELL + 2 * MARGIN:.0f}" height="{height}" '
        f'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace" '
        f'font-size="{SIZE}">',
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
        *shown,
        "</svg>",
    ])


def main():
    options = parse_arguments()
    text = sys.stdin.read() if str(options.file) == "-" else options.file.read_text()
    for replacement in options.replace:
        old, _, new = replacement.partition("=")
        text = text.replace(old, new)
    lines = [(f"$ {options.prompt}", DIM)] if options.prompt else []
    for line in text.rstrip().splitlines():
        # What a progress line overwrote was not on the screen at the end.
        lines += [(part, TEXT) for part in folded(line.split("\r")[-1].expandtabs(), options.width)]
    width = max(len(line) for line, _ in lines)
    print(drawn(lines, max(width, 60)))


if __name__ == "__main__":
    main()
