"""Lays a figure out once, before it is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def lay_out(figure: Figure, dpi: int) -> None:
    """Place what is in *figure* for *dpi*; the bytes of the saved figure stay the same.

    To save a figure that still has a layout draws all of it twice, the first time for the layout alone.
    """
    figure.set_dpi(dpi)
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)
        figure.set_layout_engine("none")
