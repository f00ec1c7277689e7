"""Charts as SVG or PNG, drawn by matplotlib (the plot extra)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pymemtools.errors import MemtoolsError
from pymemtools.render.escape import cut, escape, width

FORMATS = ("svg", "png")
INSTALL = "pip install 'pymemtools[plot]'"
_LONGEST_LABEL = 32
_COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")  # Paul Tol's bright scheme
_GREY = "#dddddd"


def is_installed() -> bool:
    """Tell whether charts can be drawn at all, without loading matplotlib."""
    from importlib.util import find_spec

    return find_spec("matplotlib") is not None


def pie(slices: Sequence[tuple[str, int]], unused: int, title: str, style: str) -> bytes:
    """Draw a pie, each slice with its share in percent; what is unused in grey and a little apart."""
    slices = [("unused", unused), *slices] if unused > 0 else slices
    first = [_GREY] if unused > 0 else []
    figure = _figure((7.5, 6), title)
    axes = figure.add_axes((0.15, 0.08, 0.7, 0.8))
    axes.pie(
        [max(size, 0) for _, size in slices],
        labels=[_label(name) for name, _ in slices],
        explode=[0.05, *[0.0] * (len(slices) - 1)],
        autopct="%.2f%%",
        pctdistance=0.85,
        colors=[*first, *(_COLOURS[i % len(_COLOURS)] for i in range(len(slices) - len(first)))],
        wedgeprops={"edgecolor": "white", "linewidth": 0.5},
        textprops={"fontsize": 8, "parse_math": False},
    )
    return _saved(figure, style)


def bars(labels: Sequence[str], series: Mapping[str, Sequence[float]], title: str, unit: str, style: str) -> bytes:
    """Draw a group of bars for each label, one bar for each of the series."""
    figure = _figure((max(6.4, 1.5 + 0.3 * len(labels) * max(1, len(series) / 2)), 4.8), title)
    axes = figure.add_subplot()
    thickness = 1 / (len(series) + 1)
    for i, (name, values) in enumerate(series.items()):
        places = [place + i * thickness for place in range(len(labels))]
        axes.bar(places, values, thickness, label=name, color=_COLOURS[i % len(_COLOURS)])
    middle = (len(series) - 1) * thickness / 2
    axes.set_xticks([place + middle for place in range(len(labels))])
    axes.set_xticklabels([_label(name) for name in labels], rotation=45, ha="right", fontsize=8, parse_math=False)
    axes.set_ylabel(unit)
    axes.legend()
    return _saved(figure, style)


def _figure(inches: tuple[float, float], title: str) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MemtoolsError(f"charts need matplotlib ({error}): {INSTALL}") from None
    except (ValueError, RuntimeError) as error:  # MPLBACKEND, a matplotlibrc
        raise MemtoolsError(f"matplotlib does not start: {_line(error)}") from None
    figure = Figure(figsize=(min(inches[0], 200), inches[1]), layout="tight" if inches[1] < 6 else None)
    figure.suptitle(escape(title), parse_math=False)
    return figure


def _saved(figure: Any, style: str) -> bytes:
    """Give the picture's bytes, the same for the same figures."""
    import warnings
    from io import BytesIO

    import matplotlib

    out = BytesIO()
    with warnings.catch_warnings(), matplotlib.rc_context({"svg.hashsalt": "pymemtools", "svg.fonttype": "none"}):
        warnings.simplefilter("ignore")  # a name in a script that the font lacks is drawn as boxes
        try:
            figure.savefig(out, format=style, metadata={"Date": None} if style == "svg" else None)
        except (ValueError, OverflowError) as error:  # SOURCE_DATE_EPOCH
            raise MemtoolsError(f"matplotlib does not draw: {_line(error)}") from None
    return out.getvalue()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _label(name: str) -> str:
    text = escape(name)
    return text if width(text) <= _LONGEST_LABEL else f"{cut(text, _LONGEST_LABEL - 1)}…"
