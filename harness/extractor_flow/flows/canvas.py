"""Draws a figure once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def canvas_of(figure: Figure, dpi: int) -> FigureCanvasAgg:
    """The canvas that draws *figure* at *dpi*: its layout is made as it is drawn.

    ``Figure.savefig`` draws a figure with a layout twice, the first time for the layout alone.
    """
    figure.set_dpi(dpi)
    return FigureCanvasAgg(figure)
