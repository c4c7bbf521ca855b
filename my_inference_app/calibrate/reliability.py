"""The reliability plot: how often answers of each score are right, before and after. An SVG of our own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

Bins = Sequence[tuple[float, float, int]]

FILE = "reliability.svg"
_SIDE, _LEFT, _TOP = 300, 60, 50
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#333}.frame{fill:#fff;stroke:#999}.grid{stroke:#e4e4e4}"
    ".ideal{stroke:#999;stroke-dasharray:4 4}.before{fill:none;stroke:#b0762b}.after{fill:none;stroke:#0b6bcb}"
    "path{stroke-width:2}circle.before{fill:#b0762b;stroke:none}circle.after{fill:#0b6bcb;stroke:none}"
)


def plot(before: Bins, after: Bins, errors: dict[str, float]) -> str:
    width, height = _LEFT + _SIDE + 30, _TOP + _SIDE + 60
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">',
        "<title>How often answers of each score are right</title>",
        f'<style>{_STYLE}</style><rect width="{width}" height="{height}" fill="#fff"/>',
        f'<rect class="frame" x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}"/>',
        *_axes(),
        f'<line class="ideal" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>',
        *_line("before", before),
        *_line("after", after),
        *_legend(errors),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _axes() -> Iterator[str]:
    for tenth in range(0, 11, 2):
        share = tenth / 10
        if 0 < tenth < 10:
            yield f'<line class="grid" x1="{_x(share)}" y1="{_y(0)}" x2="{_x(share)}" y2="{_y(1)}"/>'
            yield f'<line class="grid" x1="{_x(0)}" y1="{_y(share)}" x2="{_x(1)}" y2="{_y(share)}"/>'
        yield f'<text x="{_x(share)}" y="{_y(0) + 18}" text-anchor="middle">{share:g}</text>'
        yield f'<text x="{_LEFT - 8}" y="{_y(share) + 4}" text-anchor="end">{share:g}</text>'
    yield f'<text x="{_x(0.5)}" y="{_y(0) + 42}" text-anchor="middle">score of the best label</text>'
    yield f'<text transform="translate(18 {_y(0.5)}) rotate(-90)" text-anchor="middle">share that is right</text>'


def _line(name: str, bins: Bins) -> Iterator[str]:
    points = [(_x(score), _y(share)) for score, share, _ in bins]
    yield f'<path class="{name}" d="M{" L".join(f"{x} {y}" for x, y in points)}"/>'
    for (x, y), (_, _, number) in zip(points, bins, strict=True):
        yield f'<circle class="{name}" cx="{x}" cy="{y}" r="4"><title>{number} photos</title></circle>'


def _legend(errors: dict[str, float]) -> Iterator[str]:
    for row, (name, error) in enumerate(errors.items()):
        y = 18 + 18 * row
        yield f'<circle class="{name}" cx="{_LEFT + 6}" cy="{y - 4}" r="4"/>'
        yield f'<text x="{_LEFT + 18}" y="{y}">{name} calibration: expected calibration error {error:.3f}</text>'


def _x(share: float) -> float:
    return round(_LEFT + share * _SIDE, 1)


def _y(share: float) -> float:
    return round(_TOP + (1 - share) * _SIDE, 1)
