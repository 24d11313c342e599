"""Draws series of measurements as one SVG, a panel for each, with logarithmic places to the
right and linear ones up from zero."""

import math
from html import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 440, 250, 64, 36, 48


class Series:
    """Points (x, y) with the names of both axes."""

    def __init__(self, name, across, up, points):
        self.name, self.across, self.up, self.points = name, across, up, points

    def markdown(self):
        lines = [f"| {self.across} | {self.up} |", "|--:|--:|"]
        return "\n".join(lines + [f"| {x:,} | {number(y)} |" for x, y in self.points]) + "\n"


def number(y):
    """Three digits that count."""
    if y >= 100:
        return f"{y:,.0f}"
    return f"{y:.1f}" if y >= 10 else f"{y:.2f}"


def round_up(y):
    """The next number that a person would end an axis with."""
    power = 10 ** math.floor(math.log10(y))
    return next(power * f for f in (1, 2, 4, 6, 8, 10) if y <= power * f)


def panel(s, x0, y0):
    right, bottom = WIDTH - 20, HEIGHT - BOTTOM
    most = round_up(max(y for _, y in s.points))
    low, high = math.log(s.points[0][0]), math.log(s.points[-1][0])

    def place(x, y):
        across = (math.log(x) - low) / (high - low) if high > low else 0.5
        return LEFT + across * (right - LEFT), bottom - y / most * (bottom - TOP)

    out = [f'<g transform="translate({x0},{y0})">', f'<text class="title" x="{LEFT}" y="20">{escape(s.up)} by {escape(s.across)}</text>']
    for i in range(5):
        _, y = place(s.points[0][0], most * i / 4)
        out.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        out.append(f'<text class="up" x="{LEFT - 8}" y="{y + 4:.1f}">{number(most * i / 4) if i else 0}</text>')
    last = -math.inf
    for x, _ in s.points:
        at, _ = place(x, 0)
        if at - last >= 44:  # room for a number
            out.append(f'<text class="across" x="{at:.1f}" y="{bottom + 18}">{x:,}</text>')
            last = at
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in (place(x, y) for x, y in s.points))
    out.append(f'<polyline points="{path}"/>')
    for x, y in s.points:
        a, b = place(x, y)
        out.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5"><title>{x:,}: {number(y)}</title></circle>')
    return "\n".join(out + ["</g>"])


def draw(series):
    """All series as one picture, two panels in a row."""
    rows = (len(series) + 1) // 2
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {rows * HEIGHT}" font-family="sans-serif" font-size="12">',
        "<style>.title{font-size:14px;font-weight:600}.grid{stroke:#ddd}.up{text-anchor:end;fill:#555}.across{text-anchor:middle;fill:#555}"
        "polyline{fill:none;stroke:#0b6e99;stroke-width:2}circle{fill:#0b6e99}</style>",
        f'<rect width="{2 * WIDTH}" height="{rows * HEIGHT}" fill="#fff"/>',
    ]
    out += [panel(s, i % 2 * WIDTH, i // 2 * HEIGHT) for i, s in enumerate(series)]
    return "\n".join(out + ["</svg>", ""])
