"""Draws a picture as SVG."""

from __future__ import annotations

from html import escape

from bot.moderation.pictures.shapes import Line, Picture, Rect, Shape, Text


def svg(picture: Picture) -> str:
    """Return the picture as a file of its own."""
    body = "\n".join(map(_drawn, picture.shapes))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {picture.width} {picture.height}" '
        f'font-family="sans-serif">\n'
        f'<rect width="{picture.width}" height="{picture.height}" fill="{picture.background}"/>\n{body}\n</svg>\n'
    )


def _drawn(shape: Shape) -> str:
    match shape:
        case Rect():
            start = (
                f'<rect x="{shape.x:.1f}" y="{shape.y:.1f}" width="{shape.width:.1f}" height="{shape.height:.1f}" '
                f'fill="{shape.fill}"'
            )
            return f"{start}><title>{escape(shape.title)}</title></rect>" if shape.title else f"{start}/>"
        case Line():
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in shape.points)
            return f'<polyline points="{points}" fill="none" stroke="{shape.stroke}" stroke-width="{shape.width:g}"/>'
        case Text():
            return (
                f'<text x="{shape.x:.1f}" y="{shape.y:.1f}" font-size="{shape.size:g}" fill="{shape.fill}" '
                f'text-anchor="{shape.anchor}">{escape(shape.said)}</text>'
            )
