"""Small figures as inline SVG: axes, lines, steps and marks that say what they are.

Colours are classes of the page's style sheet, so that a figure follows light and dark. A plot is two drawings on top of
each other: the first is an image with a description, and above it lie the marks that can be pointed at or reached by
keyboard, which an image may not hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

WIDTH, HEIGHT = 480.0, 300.0
_TOP, _RIGHT = 14.0, 14.0
#: Room below the axes, with numbers and a title or without.
_BOTTOM, _BARE = 48.0, 8.0


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Return round numbers in ``[low, high]``, about ``wanted`` of them."""
    span = high - low
    power = 10.0 ** math.floor(math.log10(span / wanted))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor * wanted >= span * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [k * step + 0.0 for k in range(first, math.floor(high / step + 1e-9) + 1)]


def spread(values: Iterable[float], margin: float = 0.06) -> tuple[float, float]:
    """Return a range with a margin around all finite values; ``low < high`` always."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    room = (high - low) * margin or max(abs(high), 1.0) * 0.05
    return low - room, high + room


@dataclass
class Plot:
    """A figure in the making.

    Attributes:
        label: what it shows, for those who cannot see it.
        x, y: the ranges of the axes, ``low < high``.
        x_title, y_title: what the axes are.
        rows: names on the vertical axis in place of numbers; row k is at y = k, the first at the top.
        whole: whether the horizontal axis counts something, so that only whole numbers belong there.
        last: the largest number that the horizontal axis shows.
        left: units that the vertical axis' texts take.
        height: of the whole.
    """

    label: str
    x: tuple[float, float]
    y: tuple[float, float]
    x_title: str = ""
    y_title: str = ""
    rows: Sequence[str] = ()
    whole: bool = False
    last: float = math.inf
    left: float = 70.0
    height: float = HEIGHT
    _drawn: list[Markup] = field(default_factory=list)
    _marks: list[Markup] = field(default_factory=list)

    @property
    def _floor(self) -> float:
        return self.height - (_BOTTOM if self.x_title else _BARE)

    def _x(self, value: float) -> float:
        low, high = self.x
        return self.left + (value - low) / (high - low) * (WIDTH - self.left - _RIGHT)

    def _y(self, value: float) -> float:
        low, high = self.y
        share = (value - low) / (high - low)
        return _TOP + (share if self.rows else 1 - share) * (self._floor - _TOP)

    def line(self, points: Sequence[tuple[float, float]], style: str) -> None:
        """Draw a line; points that are not finite interrupt it."""
        parts: list[list[str]] = [[]]
        for x, y in points:
            if math.isfinite(x) and math.isfinite(y):
                parts[-1].append(f"{self._x(x):.1f} {self._y(y):.1f}")
            elif parts[-1]:
                parts.append([])
        path = "".join("M" + "L".join(part) for part in parts if part)
        if path:
            self._drawn.append(Markup('<path class="line {}" d="{}"/>').format(style, path))

    def steps(self, points: Sequence[tuple[float, float]], end: float, style: str) -> None:
        """Draw a line that keeps each value until the next one, the last until ``end``."""
        corners: list[tuple[float, float]] = []
        for place, (x, y) in enumerate(points):
            corners += [(x, y), (points[place + 1][0] if place + 1 < len(points) else end, y)]
        self.line(corners, style)

    def level(self, value: float, style: str) -> None:
        """Draw a horizontal line across the whole; in a figure of rows a vertical one."""
        (low, high), (bottom, top) = self.x, self.y
        self.line([(value, bottom), (value, top)] if self.rows else [(low, value), (high, value)], style)

    def bar(self, row: int, start: float, end: float, style: str) -> None:
        """Draw a horizontal bar in a row."""
        x, width = self._x(start), self._x(end) - self._x(start)
        mark = '<rect class="bar {}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="14" rx="2"/>'
        self._drawn.append(Markup(mark).format(style, x, self._y(row) - 7, max(width, 1.0)))

    def band(self, low: float, high: float) -> None:
        """Shade a range of the horizontal axis, as far as the axis reaches."""
        left, right = (self._x(min(max(value, self.x[0]), self.x[1])) for value in (low, high))
        mark = '<rect class="band" x="{:.1f}" y="{:g}" width="{:.1f}" height="{:.1f}"/>'
        self._drawn.append(Markup(mark).format(left, _TOP, right - left, self._floor - _TOP))

    def text(self, row: int, x: float, text: str) -> None:
        """Write something in a row, to the right of a place."""
        self._drawn.append(
            Markup('<text x="{:.1f}" y="{:.1f}">{}</text>').format(self._x(x) + 6, self._y(row) + 5, text)
        )

    def dot(self, x: float, y: float, style: str, tip: str, *, focus: bool = True, radius: float = 5.0) -> None:
        """Draw a point, if it is finite, that says ``tip`` where it is pointed at, and with ``focus`` where focused."""
        if not (math.isfinite(x) and math.isfinite(y)):
            return
        shape = Markup('<circle cx="{:.1f}" cy="{:.1f}" r="{:g}"/>').format(self._x(x), self._y(y), radius)
        self._mark(shape, style, tip, focus)

    def interval(self, low: float, mean: float, high: float, row: float, style: str, tip: str) -> None:
        """Draw a horizontal interval with its mean, as far as the axis reaches; without finite ends the mean alone."""
        if not (math.isfinite(low) and math.isfinite(high)):
            return self.dot(mean, row, style, tip)
        low, high = (min(max(end, self.x[0]), self.x[1]) for end in (low, high))
        shape = Markup('<path d="M{:.1f} {y:.1f}H{:.1f}"/><circle cx="{:.1f}" cy="{y:.1f}" r="5"/>').format(
            self._x(low), self._x(high), self._x(mean), y=self._y(row)
        )
        self._mark(shape, style, tip, True)

    def _mark(self, shape: Markup, style: str, tip: str, focus: bool) -> None:
        reach = (
            Markup(' tabindex="0" role="img" aria-label="{}"').format(tip) if focus else Markup(' aria-hidden="true"')
        )
        self._marks.append(Markup('<g class="mark {}"{}><title>{}</title>{}</g>').format(style, reach, tip, shape))

    def markup(self) -> Markup:
        """Return the finished figure."""
        size = f"0 0 {WIDTH:g} {self.height:g}"
        picture = Markup('<svg viewBox="{}" role="img" aria-label="{}">{}{}</svg>').format(
            size, self.label, self._axes(), Markup("").join(self._drawn)
        )
        marks = Markup("")
        if self._marks:
            marks = Markup('<svg viewBox="{}" role="group" aria-label="{}">{}</svg>').format(
                size, f"points of: {self.label}", Markup("").join(self._marks)
            )
        return Markup('<div class="plot">{}{}</div>').format(picture, marks)

    def _axes(self) -> Markup:
        bottom, right = self._floor, WIDTH - _RIGHT
        parts = []
        numbers = ticks(*self.x, wanted=4) if self.x_title else []
        for value in [one for one in numbers if one <= self.last and (not self.whole or one.is_integer())]:
            place = self._x(value)
            parts.append(
                Markup(
                    '<path class="grid" d="M{x:.1f} {:g}V{:g}"/><text class="middle" x="{x:.1f}" y="{:g}">{}</text>'
                ).format(_TOP, bottom, bottom + 18, number(value), x=place)
            )
        if self.rows:
            for row, name in enumerate(self.rows):
                parts.append(
                    Markup('<text class="end" x="{:g}" y="{:.1f}">{}</text>').format(
                        self.left - 8, self._y(row) + 5, name
                    )
                )
        else:
            for value in ticks(*self.y, wanted=4):
                parts.append(
                    Markup(
                        '<path class="grid" d="M{:g} {y:.1f}H{:g}"/><text class="end" x="{:g}" y="{:.1f}">{}</text>'
                    ).format(self.left, right, self.left - 6, self._y(value) + 5, number(value), y=self._y(value))
                )
        if self.x_title:
            parts.append(
                Markup('<text class="middle title" x="{:g}" y="{:g}">{}</text>').format(
                    (self.left + right) / 2, self.height - 8, self.x_title
                )
            )
        if self.y_title:
            middle = (_TOP + bottom) / 2
            parts.append(
                Markup('<text class="middle title" transform="translate(13 {:g}) rotate(-90)">{}</text>').format(
                    middle, self.y_title
                )
            )
        return Markup("").join(parts)


def number(value: float) -> str:
    """Return a number of an axis, with a true minus sign."""
    return f"{value:.6g}".replace("-", "−")
