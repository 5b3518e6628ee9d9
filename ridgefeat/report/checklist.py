"""The items of METRICS and CLEAR, two checklists of feature studies, that a program can answer from what it did.

Both were written for features of medical images, and most of what they ask applies to any table of image features.
METRICS: Kocak et al., Insights into Imaging 15:8 (2024). CLEAR: Kocak et al., Insights into Imaging 14:75 (2023).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ridgefeat._version import __version__
from ridgefeat.bench.results import Comparison
from ridgefeat.compare.differences import Differences
from ridgefeat.compare.ratio import FOLDS, Ratio
from ridgefeat.files import count_of
from ridgefeat.report.bench.words import join_names, metric_name
from ridgefeat.report.page import percent

INTRODUCTION = (
    "Items of METRICS (Kocak et al. 2024) and CLEAR (Kocak et al. 2023), by number, that a program can answer. The "
    "others, such as eligibility, reference standard, acquisition, external testing and open data, only the authors "
    "can answer. No score is given, since METRICS needs all its items."
)
NUMBER = "the target is a number"


class Item(NamedTuple):
    """An item: its number in either checklist ("–" where it is not in one), what it asks, the answer and the reason."""

    metrics: str
    clear: str
    asked: str
    met: bool | None
    why: str


def render_checklist(items: Iterable[Item]) -> str:
    """Return items as a section of a Markdown file; an item that does not apply (`met` None) is "n/a"."""
    rows = [("METRICS", "CLEAR", "item", "answer", "from this run"), ("---",) * 5]
    for item in items:
        answer = "n/a" if item.met is None else "yes" if item.met else "no"
        rows.append((item.metrics, item.clear, item.asked, answer, item.why.replace("|", "\\|")))
    return "\n".join(["## Checklist", "", INTRODUCTION, "", *(f"| {' | '.join(row)} |" for row in rows)])


def answer_for_bench(comparison: Comparison) -> Iterator[Item]:
    """Yield the items that a comparison of classifiers answers."""
    it, made, audit = comparison.problem, comparison.reproduction, comparison.audit
    options = made.options
    yield from _extraction(it.about, it.families)
    missing = percent(float(np.isnan(it.features.to_numpy()).mean()))
    yield Item("–", "29", "Handling of missing data", True, f"{missing} of values are missing, filled by means")
    sizes = [f"{name} {int(n):,}" for name, n in zip(it.classes, np.bincount(it.y), strict=True)] if it.classes else []
    why = f"prints: {', '.join(sizes)}; handled by: {options.get('imbalance', 'none')}"
    yield Item("–", "30", "Class imbalance", bool(sizes) or None, why if sizes else NUMBER)
    by = f", after ComBat by {options['harmonise']}" if options.get("harmonise") else ""
    yield Item("–", "32", "Feature scaling", True, f"standardised on training prints{by}")
    chosen = str(options.get("select", ""))
    why = f"in each training fold: {chosen}" if chosen else "no columns were selected"
    yield Item("14", "33", "Removal of non-robust features", "ICC" in chosen, why)
    yield Item("15", "33", "Removal of redundant features", "Spearman" in chosen or "discovery" in chosen, why)
    smallest = min(len(set(it.groups[f.train])) for f in comparison.folds)
    why = f"{count_of(it.features.shape[1], 'column')}, at least {smallest:,} {it.group}s in training; "
    why += "no learning curve was made" if comparison.learning is None else "see the learning curve"
    yield Item("16", "–", "Dimensionality compared with data size", comparison.learning is not None, why)
    leaks = comparison.leaks or (audit is not None and any(f.severity == "leak" for f in audit.findings))
    why = f"no {it.group} was on both sides, and all that is learned was learned on training prints"
    if leaks:
        why = f"prints of one {it.group} were on both sides" if comparison.leaks else "the leak audit found a leak"
    yield Item("18", "15", "Proper data partitioning", not leaks, f"{made.split}; seed {made.seed}; {why}")
    probed = comparison.confounds is not None
    why = "acquisition conditions were compared with the ridges" if probed else "not analysed"
    yield Item("19", "36", "Confounding factors", probed, why)
    why = f"listed above; {'tuned in inner folds' if options.get('tune') else 'default settings'}"
    yield Item("–", "34, 35", "Algorithms and tuning", True, why)
    yield Item("20", "39", "Performance metrics", True, f"ranked by {metric_name(it.metric)}; others above")
    yield Item("21", "40", "Uncertainty", True, f"95 % intervals by bootstrap over {it.group}s")
    drawn = comparison.calibration is not None if it.classes else None
    yield Item("22", "40", "Calibration", drawn, "calibration curve and Brier score" if it.classes else NUMBER)
    baseline = comparison.pairs is not None and bool((comparison.pairs["reference"] == "dummy").any())
    why = "each classifier with the dummy; p values adjusted by Holm" if baseline else "no comparison with the dummy"
    yield Item("25", "41", "Comparison with a simple baseline by a test", baseline, why)
    apart = len(comparison.folds) == 1
    why = "one test set, not used for training" if apart else "folds only, which also show which classifier is best"
    yield Item("26", "38", "Internal testing on a set of its own", apart and not leaks, why)
    shown = comparison.importances is not None
    why = "importances of families and columns" if shown else "no importances were computed"
    yield Item("–", "43", "Interpretability", shown, why)


def answer_for_compare(found: Differences, ratio: Ratio | None) -> Iterator[Item]:
    """Yield the items that a comparison of people answers."""
    people, families = found.people, dict[str, list[str]]()
    for name in people.columns:
        families.setdefault(name.split("_")[0], []).append(name)
    yield from _extraction({"foreign": not any(people.meanings)}, families)
    why = f"{count_of(len(people), 'person', 'people')}; smallest detectable effects (after the fact) in compare.csv"
    yield Item("–", "9", "Sample size", True, why)
    why = f"{percent(float(np.isnan(people.prints).mean()))} of values are missing, and left out of a person's mean"
    yield Item("–", "29", "Handling of missing data", True, why)
    known = f"{int(found.frame['icc'].notna().sum())} of {count_of(len(people.columns), 'column')}"
    why = f"none removed; the ICC of {known} is in compare.csv"
    yield Item("14", "33", "Removal of non-robust features", False, why)
    why = "the finger was taken into account, nothing else" if people.fingers else "none was taken into account"
    yield Item("19", "36", "Confounding factors", bool(people.fingers), why)
    yield Item("21", "40", "Uncertainty", True, "95 % intervals of differences and effects")
    why = "two-sided tests over people; q values of Benjamini and Hochberg"
    yield Item("–", "41", "Statistical comparison", True, why)
    why = "no model was fitted" if ratio is None else f"Cllr of the likelihood ratio over {FOLDS} folds of people"
    yield Item("22", "40", "Calibration", None if ratio is None else True, why)


def _extraction(about: Mapping[str, Any], families: Mapping[str, list[str]]) -> Iterator[Item]:
    """Yield the items on how features were extracted, given a sidecar and the columns by family."""
    foreign = bool(about.get("foreign"))
    why = f"ridgefeat {__version__}; see the table's sidecar"
    if foreign:
        why = "the table does not say which program and parameters made it"
    yield Item("13", "25, 28", "Feature extraction software and parameters", not foreign, why)
    counts = join_names([f"{name} {len(columns)}" for name, columns in families.items()])
    why = f"{count_of(sum(map(len, families.values())), 'column')}: {counts}"
    yield Item("13", "26, 27", "Feature classes and number of features", True, why)
