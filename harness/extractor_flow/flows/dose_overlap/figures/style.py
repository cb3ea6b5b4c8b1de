"""How the figures of a study look: colours that can be told apart, plain axes, legends with room for themselves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from extractor_flow.flows.dose_overlap.scoring.names import INPUT, MAP, PIE, REFINED, TRAINED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from numpy.typing import NDArray

# Okabe and Ito's palette, which can be told apart with any kind of colour vision.
COLOURS = ("#0072B2", "#009E73", "#D55E00", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
STYLES = ("-", "--", ":", "-.")
METHOD_STYLES = {
    TRAINED: ("o-", "#0072B2"),
    INPUT: ("v-.", "#E69F00"),
    PIE: ("s--", "#009E73"),
    MAP: ("D--", "#CC79A7"),
    REFINED: ("^-", "#56B4E9"),
    "untrained": ("x:", "#D55E00"),
    "constant": ("+:", "#666666"),
}
_UNCOVERED = "#dddddd"
# Inches: a line of a small legend, and one of its entries with a word of usual length.
_LINE, _ENTRY = 0.22, 1.1


def plain(axes: Axes) -> None:
    """Hide the upper and right border, and draw a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)


def legend_below(figure: Figure, panels: Iterable[Axes]) -> None:
    """One legend for all *panels*, each name once, in as many columns as fit; the figure grows by what it takes."""
    entries: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if not entries:
        return
    width, height = figure.get_size_inches()
    columns = max(int(width / max(_ENTRY, 0.1 * max(map(len, entries)) + 0.5)), 1)
    figure.set_size_inches(width, height + _LINE * math.ceil(len(entries) / columns))
    figure.legend(
        list(entries.values()), list(entries), loc="outside lower center", ncols=columns, frameon=False, fontsize=8
    )


def show(axes: Axes, image: NDArray[Any], limits: Sequence[float], colours: str, title: str) -> AxesImage:
    """A picture without ticks; grey is what has no value."""
    low, high = limits
    axes.set_facecolor(_UNCOVERED)
    drawn = axes.imshow(image, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    axes.set_title(title, fontsize=8)
    axes.set_xticks([])
    axes.set_yticks([])
    return drawn
