"""What is said of a comparison: the verdict, the table's cells, and the sentences of a methods section."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ridgefeat._version import __version__
from ridgefeat.compare.differences import ALPHA, Differences
from ridgefeat.compare.ratio import FOLDS, REACHING, SAMPLES, Ratio
from ridgefeat.files import count_of, first_few
from ridgefeat.report.bench.words import format_p_value, join_names
from ridgefeat.report.page import interval, number, signed

NAMES = {"hedges_g": "Hedges' g", "eta_squared": "η²", "rank_correlation": "Spearman's ρ"}
LOW_ICC = 0.5
"""Reliability below which a column is said to be poorly measured (Koo and Li 2016)."""
SMALL = {"hedges_g": 0.2, "rank_correlation": 0.1, "eta_squared": 0.01}
"""Effects below which a difference is small (Cohen 1988)."""


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
            "prints": f"{row['prints']:,}",
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


def compared(found: Differences) -> str:
    """Return what is compared: "between female and male", or "with age"."""
    levels = found.people.levels
    return f"between {join_names(levels)}" if levels else f"with {found.people.by}"


def find_verdict(found: Differences) -> list[str]:
    """Return sentences on what was found, the most important one first."""
    tested = found.frame[found.frame["q"].notna()]
    differ = found.found
    verb, noun = ("differ", "difference") if found.people.levels else ("change", "change")
    who = f"{count_of(len(found.people), 'person', 'people')} with {count_of(len(found.people.person), 'print')}"
    if tested.empty:
        return [f"None of {count_of(len(found.frame), 'column')} could be compared {compared(found)}; see the table."]
    smallest = number(float(tested["smallest_effect"].median()))
    power = f"With this many people, a test of one column detects {effect_name(found)} of {smallest} in 80 % of studies"
    if differ.empty:
        one = "the column that was compared" if len(tested) == 1 else f"any of {len(tested)} columns"
        return [
            f"No {noun} {compared(found)} was found in {one} (q < {ALPHA}; {who}).",
            f"{power}; a smaller {noun} may exist.",
        ]
    verb += "s" * (len(differ) == 1)
    first = f"{len(differ):,} of {count_of(len(tested), 'column')} {verb} {compared(found)} (q < {ALPHA}; {who})."
    out = [first, _describe(found, differ.iloc[0]), f"{power}."]
    small = differ[differ[found.effect].abs() < SMALL[found.effect]]
    if len(small):
        out.append(f"Significant but small: {count_of(len(small), noun)}.")
    if found.kind == "two" and (below := [str(c) for c in differ["column"][differ.difference.abs() < differ.error]]):
        out.append(f"Smaller than the error of measurement of one print: {noun} in {first_few(below, 3)}.")
    if poor := [str(c) for c in differ.loc[differ["icc"] < LOW_ICC, "column"]]:
        out.append(f"A second impression of a finger repeats these poorly (ICC below {LOW_ICC}): {first_few(poor, 3)}.")
    return out


def _describe(found: Differences, row: Any) -> str:
    unit = f" {row['unit']}" if row["unit"] else ""
    effect = f"{effect_name(found)} {signed(row[found.effect])}"
    if ends := interval(row, found.effect):
        effect += f", 95 % interval {ends}"
    first = f"The largest effect is in {row['column']}:"
    if found.kind == "number":
        per = f"{signed(row['difference'])}{unit} per unit of {found.people.by} ({interval(row, 'difference')})"
        return f"{first} {per}; {effect}."
    means = join_names([f"{signed(row[f'mean_{k}'])}{unit} in {k}" for k in found.people.levels])
    if found.kind == "several":
        return f"{first} on average {means}; {effect}."
    more, less = found.people.levels if row["cliffs_delta"] > 0 else found.people.levels[::-1]
    share = 50 * (1 + abs(row["cliffs_delta"]))
    return (
        f"{first} on average {means}, a difference of {signed(row['difference'])}{unit} "
        f"({interval(row, 'difference')}); {effect}. Of two people, one {more} and one {less}, the "
        f"{more} one has the larger value in {share:.0f} % of pairs."
    )


def describe_ratio(ratio: Ratio) -> list[str]:
    """Return sentences on a likelihood ratio and its check."""
    unit = f" {ratio.unit}" if ratio.unit else ""
    low, high = ratio.curve["ratio"].min(), ratio.curve["ratio"].max()
    cost, total = ratio.cost, sum(ratio.people)
    quality = "well" if cost.calibration < 0.05 else "acceptably" if cost.calibration < 0.1 else "poorly"
    return [
        f"The likelihood ratio of {ratio.levels[0]} to {ratio.levels[1]} by {ratio.column} runs from {number(low)} to "
        f"{number(high)} between {number(ratio.support[0])} and {number(ratio.support[1])}{unit}. Beyond, fewer than "
        f"{REACHING} people of one group were seen, and no ratio is given.",
        f"On held-out people Cllr is {cost.cllr:.3f} bits (1 is what no information costs, 0 is perfect), and "
        f"{cost.min_cllr:.3f} after the best monotone change: the ratios are {quality} calibrated. {ratio.refused} of "
        f"{total} people had a value beyond the support and no ratio.",
        "It applies to a person's mean over prints as this table has them, not to a single print of an unknown finger.",
    ]


def methods(found: Differences, ratio: Ratio | None) -> Iterator[str]:
    """Yield the paragraphs of a methods section, to be edited."""
    people, kind = found.people, found.kind
    sizes = [f"{int((people.label == k).sum())} {level}" for k, level in enumerate(people.levels)]
    label = f"{people.by} ({join_names(sizes)})" if sizes else f"{people.by} (a number)"
    text = (
        f"We compared {count_of(len(people.columns), 'feature')} of {count_of(len(people.person), 'print')} of "
        f"{count_of(len(people), 'person', 'people')} by {label} with ridgefeat {__version__}. The person was the unit "
        "of analysis: "
    )
    text += "each person's value was the mean over prints"
    if people.fingers:
        text += (
            f" after the contribution of the finger ({len(people.fingers)} "
            "fingers) was removed by least squares, fitted together with the people and without the label"
        )
    yield f"{text}." + "".join(f" Note: {note}." for note in people.notes)
    yield {
        "two": f"Differences are {' − '.join(people.levels)} with Welch's 95 % interval; the standardised effects are "
        "Hedges' g, with the interval of the noncentral t distribution, and Cliff's delta.",
        "several": "The effect is η², the share of the variance between people that lies between levels, with the 95 % "
        "interval of the noncentral F distribution.",
        "number": f"Differences are least-squares changes per unit of {people.by} with a 95 % interval; the effect is "
        "Spearman's rank correlation with the interval of Bonett and Wright (2000).",
    }[kind]
    statistic = {"two": "Welch's t", "several": "F", "number": "Spearman's ρ"}[kind]
    test = (
        f"p values are two-sided, from up to {found.permutations:,} permutations of {people.by} over people "
        f"(statistic: {statistic}; seed {found.seed})"
        if found.model == "permutation"
        else "p values and differences are from linear mixed models of the prints (statsmodels, REML, Wald test) with "
        f"{people.by} and finger as fixed effects and a random intercept per person"
    )
    known = [s for s in found.frame["icc_set"].unique() if s]
    icc = f" Reliability is the ICC(1,1) over repeated impressions of {known[0]}." if known else ""
    yield (
        f"{test}; q values are those of Benjamini and Hochberg over the {int(found.frame['p'].notna().sum())} columns "
        f"tested. The smallest detectable effect is the one shown with a power of 80 % at p < {ALPHA}.{icc}"
    )
    yield "Results. " + " ".join(find_verdict(found))
    if ratio is not None:
        yield (
            f"Likelihood ratio. The densities of {ratio.column} in {ratio.people[0]} {ratio.levels[0]} and "
            f"{ratio.people[1]} {ratio.levels[1]} were smoothed with a Gaussian kernel (Silverman's bandwidth); "
            f"intervals are percentiles of {SAMPLES:,} resamples of people. The check used {FOLDS} folds of people. "
            + " ".join(describe_ratio(ratio))
        )
