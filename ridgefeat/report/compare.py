"""A comparison of people as a page: one HTML file that needs no network and runs no script; and as a methods section.

write_compare_page(differences, None, "report.html", title="features.csv")

Below the two: what is said (the verdict, the table's cells), and the figures (effects, values per person, the
likelihood ratio and its check). Of the checklists METRICS (Kocak et al., Insights into Imaging 15:8, 2024) and CLEAR
(Kocak et al., Insights into Imaging 14:75, 2023) the methods section answers what a program can.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ridgefeat.compare.differences import ALPHA, Differences
from ridgefeat.compare.ratio import FOLDS, REACHING, SAMPLES, Ratio
from ridgefeat.report import display
from ridgefeat.report.display import COLOURS, INK, Display, axes, by_name, label, line_style, span_of
from ridgefeat.report.page import (
    find_topic,
    format_p_value,
    interval,
    join_names,
    number,
    render_page,
    signed,
    write_page,
)
from ridgefeat.report.plots import LETTER, Interval, plot_intervals, plot_tippett

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_ROWS = 200
"""Rows of the page's table; all are in compare.csv."""
MAX_EFFECTS, MAX_COLUMNS = 30, 12
"""Rows of the forest plot, and columns whose people are drawn; those with the largest effects."""
ROW, STRIP, BOX = 62, 0.22, 0.31
"""Points per level of a strip plot; how far dots are strewn about its middle, and half the height of its box."""
NAMES = {"hedges_g": "Hedges' g", "eta_squared": "η²", "rank_correlation": "Spearman's ρ"}
LOW_ICC = 0.5
"""Reliability below which a column is said to be poorly measured (Koo and Li 2016)."""
SMALL = {"hedges_g": 0.2, "rank_correlation": 0.1, "eta_squared": 0.01}
"""Effects below which a difference is small (Cohen 1988)."""


def write_compare_page(
    found: Differences, ratio: Ratio | None, path: str | Path, *, title: str = "Features", command: str = ""
) -> Path:
    """Write a page about a comparison of people.

    Parameters
    ----------
    found : Differences
        What ridgefeat.compare.compare_people returned.
    ratio : Ratio or None
        What likelihood_ratio returned.
    path : str or Path
        The page to write; an existing one is replaced. The same comparison gives the same bytes.
    title : str
        The page's heading names it.
    command : str
        The command line.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    TableError
        If the page cannot be written.
    """
    rows, displays = list_rows(found), compare_displays(found, ratio)
    of_ratio = [displays.pop(name) for name in ("ratio", "tippett") if ratio is not None]
    view, compared = _view(found, ratio), int(found.frame["q"].notna().sum())
    page = view | {
        "title": title,
        "topic": find_topic(found.people.by),
        "compared": compared,
        "largest": found.found.iloc[0] if len(found.found) else None,
        "smallest": float(found.frame["smallest_effect"].median()) if compared else np.nan,
        "effect": effect_name(found),
        "effects": displays.pop("effects", None),
        "rows": rows[:MAX_ROWS],
        "more": max(0, len(rows) - MAX_ROWS),
        "shown": MAX_COLUMNS if len(displays) < len(rows) else 0,
        "figures": list(displays.values()),
        "ratio_figures": of_ratio,
        "methods": render_page("compare_methods_text.md", view).strip().split("\n\n"),
        "low_icc": LOW_ICC,
        "command": command,
    }
    return write_page(path, "compare.html", page)


def write_compare_methods(found: Differences, ratio: Ratio | None, path: str | Path) -> Path:
    """Write what was done, with the figures, in sentences to be edited for the methods section of a paper.

    Raises TableError if the file cannot be written.
    """
    return write_page(path, "compare_methods.md", _view(found, ratio), "methods section")


def _view(found: Differences, ratio: Ratio | None) -> dict[str, Any]:
    """Return what the page and the methods section say of a comparison."""
    people, families = found.people, dict[str, list[str]]()
    for name in people.columns:
        families.setdefault(name.split("_")[0], []).append(name)
    sizes = [(level, int((people.label == k).sum())) for k, level in enumerate(people.levels)]
    counted = join_names([f"{n} {level}" for level, n in sizes]) or "a number"
    return {
        "found": found,
        "people": people,
        "sizes": [f"{level} {n:,}" for level, n in sizes],
        "families": families,
        "label": f"{people.by} ({counted})",
        "missing": float(np.isnan(people.prints).mean()),
        "tested": int(found.frame["p"].notna().sum()),
        "reliability": [s for s in found.frame["icc_set"].unique() if s],
        "with_icc": int(found.frame["icc"].notna().sum()),
        "alpha": ALPHA,
        "verdict": find_verdict(found),
        "ratio": ratio,
        "ratio_words": describe_ratio(ratio) if ratio is not None else [],
        "samples": SAMPLES,
        "folds": FOLDS,
    }


def effect_name(found: Differences) -> str:
    """Return the standardised effect as people write it."""
    return NAMES[found.effect]


def list_rows(found: Differences) -> list[dict[str, Any]]:
    """Return a row of text per column, the largest effects first, those that could not be compared last."""
    ordered = found.frame.sort_values(found.effect, key=abs, ascending=False, kind="stable", na_position="last")
    meanings = dict(zip(found.people.columns, found.people.meanings, strict=True))
    ends = [f"_{level}" for level in found.people.levels] or [""]
    return [
        {name: row[name] for name in ("column", "unit", "note")}
        | {
            "meaning": meanings[row["column"]],
            "levels": [
                {"mean": signed(row[f"mean{e}"]), "sd": number(row[f"sd{e}"]), "people": f"{row[f'people{e}']:,}"}
                for e in ends
            ],
            "difference": signed(row["difference"]) if "difference" in row else "",
            "difference_interval": interval(row, "difference") if "difference" in row else "",
            "effect": signed(row[found.effect]),
            "effect_interval": interval(row, found.effect),
            "delta": signed(row["cliffs_delta"]) if "cliffs_delta" in row else "",
            "p": format_p_value(row["p"]),
            "q": format_p_value(row["q"]),
            "differs": row["q"] < ALPHA,
            "smallest": number(row["smallest_effect"]),
            "icc": f"{row['icc']:.2f}" if row["icc"] == row["icc"] else "–",
            "poor": row["icc"] < LOW_ICC,
        }
        for row in ordered.to_dict("records")
    ]


def find_verdict(found: Differences) -> list[str]:
    """Return sentences on what was found, the most important one first."""
    tested, differ = found.frame[found.frame["q"].notna()], found.found
    is_below = differ.difference.abs() < differ.error if found.kind == "two" else [False] * len(differ)
    page = {
        "found": found,
        "people": found.people,
        "effect": effect_name(found),
        "tested": len(tested),
        "differ": len(differ),
        "first": differ.iloc[0] if len(differ) else None,
        "smallest": float(tested["smallest_effect"].median()),
        "small": int((differ[found.effect].abs() < SMALL[found.effect]).sum()),
        "below": differ.loc[is_below, "column"].astype(str).tolist(),
        "poor": differ.loc[differ["icc"] < LOW_ICC, "column"].astype(str).tolist(),
        "alpha": ALPHA,
        "low_icc": LOW_ICC,
    }
    return render_page("compare_verdict.md", page).strip().split("\n")


def describe_ratio(ratio: Ratio) -> list[str]:
    """Return sentences on a likelihood ratio and its check."""
    return render_page("compare_ratio.md", {"ratio": ratio, "reaching": REACHING}).split("\n")


def compare_displays(found: Differences, ratio: Ratio | None = None) -> dict[str, Display]:
    """Return a comparison's figures by name: "effects", one per column, "ratio" and "tippett"."""
    rows = [r for r in list_rows(found) if not r["note"]]
    table = found.frame.set_index("column")
    effects = [
        Interval(r["column"], *(table.loc[r["column"], found.effect + end] for end in ("", "_low", "_high")))
        for r in rows[:MAX_EFFECTS]
    ]
    shown = []
    if effects:
        of = f"{found.people.levels[0]} − {found.people.levels[1]}" if found.kind == "two" else found.people.by
        axis = f"{effect_name(found)}, {of}"
        reading = "95 % intervals over people. Right of the dashed line: larger in the first level."
        if found.kind != "two":
            reading = "95 % intervals over people; dashed: no effect."
        plot = partial(plot_intervals, effects, axis, mark=0.0)
        alt = f"{axis}: " + "; ".join(e.words for e in effects)
        shown.append(Display("effects", "Effect sizes", plot, alt, reading, tall=True))
    for row in rows[:MAX_COLUMNS]:
        k = found.people.columns.index(row["column"])
        axis = ", ".join(filter(None, (row["column"], row["unit"])))
        words = f"{effect_name(found)} {row['effect']} ({row['effect_interval']}), q {row['q']}"
        if found.people.levels:
            means = zip(found.people.levels, row["levels"], strict=True)
            alt = f"{axis} per person: " + "; ".join(f"{n} {m['mean']} ± {m['sd']}" for n, m in means)
        else:
            alt = f"{axis} per person over {found.people.by}: change {row['difference']} per unit"
        plot = partial(plot_people, found.people.values[:, k], found.people.label, found.people.levels, axis)
        if not found.people.levels:
            plot = partial(plot, number_name=found.people.by)
        shown.append(Display(row["column"], row["column"], plot, f"{alt}. {words}.", words))
    if ratio is not None:
        said = describe_ratio(ratio)
        plot = partial(plot_ratio, ratio)
        shown.append(Display("ratio", "Likelihood ratio by value", plot, said[0], "Band: 95 % interval over people."))
        values = ratio.held_out["log10_ratio"].to_numpy()
        first = (ratio.held_out["level"] == ratio.levels[0]).to_numpy()
        reading = f"Share of held-out people with a ratio of at least so much. Cllr {ratio.cost.cllr:.3f}."
        plot = partial(plot_tippett, values, first, ratio.levels)
        shown.append(Display("tippett", "Tippett plot of held-out people", plot, f"Tippett plot. {said[1]}", reading))
    return by_name(shown)


def plot_people(
    values: ArrayLike,
    groups: ArrayLike,
    levels: tuple[str, ...],
    name: str,
    ax: Axes | None = None,
    *,
    number_name: str = "",
) -> Axes:
    """Draw one dot per person: strips with boxes by level, or over a number with the least-squares line.

    Parameters
    ----------
    values : array_like, shape (people,)
    groups : array_like, shape (people,)
        Index of the level, or the number.
    levels : tuple of str
        Empty for a number.
    name : str
        What is measured.
    ax : matplotlib.axes.Axes, optional
    number_name : str
        What the number is.
    """
    x, of = np.asarray(values, np.float64), np.asarray(groups)
    known = np.isfinite(x)
    x, of = x[known], of[known]
    dots: dict[str, Any] = {"ms": 4, "mew": 0, "alpha": float(np.clip(30 / len(x) ** 0.7, 0.2, 0.8))}
    if not levels:
        with axes(ax, left=60) as ax:
            ax.plot(of, x, "o", color=COLOURS[0], **dots)
            ends = np.array([of.min(), of.max()])
            ax.plot(ends, np.polyval(np.polyfit(of, x, 1), ends), color=INK, lw=1.5)
            ax.set(xlabel=label(number_name), ylabel=label(name, 40), xlim=span_of(ends.tolist(), margin=0.03))
            ax.locator_params(nbins=6)
        return ax
    left = 16 + LETTER * min(20, max(display.letters(n) for n in levels))
    with axes(ax, height=ROW * len(levels) + 50, left=left) as ax:
        strewn = np.random.default_rng(0)
        for k in range(len(levels)):
            own = x[of == k]
            at = k + strewn.uniform(-STRIP, STRIP, len(own))
            ax.plot(own, at, "o", color=COLOURS[k % len(COLOURS)], zorder=2, **dots)
            low, middle, high = np.quantile(own, [0.25, 0.5, 0.75])
            reach = own[(own >= low - 1.5 * (high - low)) & (own <= high + 1.5 * (high - low))]
            line: dict[str, Any] = {"color": INK, "lw": 1.4, "zorder": 3}
            ax.plot([low, high, high, low, low], k + BOX * np.array([-1, -1, 1, 1, -1]), **line)
            ax.hlines([k, k], [reach.min(), high], [low, reach.max()], **line)
            ax.vlines(middle, k - BOX, k + BOX, **line | {"lw": 2.6})
        ax.set(ylim=(len(levels) - 0.5, -0.5), xlabel=label(name), xlim=span_of(x.tolist(), margin=0.03))
        ax.set_yticks(range(len(levels)), [label(n, 20) for n in levels], color=INK)
        ax.grid(False, axis="y")
        ax.locator_params(axis="x", nbins=6)
    return ax


def plot_ratio(ratio: Ratio, ax: Axes | None = None) -> Axes:
    """Draw the likelihood ratio by value, on a logarithmic scale, with its interval over people."""
    curve = ratio.curve
    with axes(ax, left=54) as ax:
        ax.axhline(1, **display.REFERENCE)
        ax.fill_between(curve["value"], curve["ratio_low"], curve["ratio_high"], color=COLOURS[0], alpha=0.14, lw=0)
        ax.plot(curve["value"], curve["ratio"], **line_style(0))
        ax.set_yscale("log")
        low, high = curve["ratio_low"].min() / 1.1, curve["ratio_high"].max() * 1.1
        ticks = [t for t in (*(10.0**k * f for k in range(-6, 7) for f in (1, 2, 5)),) if low <= t <= high]
        step = max(1, len(ticks) // 8)
        ax.set_yticks(ticks[::step], [f"{t:g}" for t in ticks[::step]])
        ax.minorticks_off()
        unit = f", {ratio.unit}" if ratio.unit else ""
        ax.set(ylim=(low, high), xlim=ratio.support, xlabel=label(f"{ratio.column}{unit}"))
        ax.set_ylabel(label(f"{ratio.levels[0]} : {ratio.levels[1]}", 40))
        ax.locator_params(axis="x", nbins=6)
    return ax
