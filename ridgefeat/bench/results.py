"""The data of a comparison: the problem, the folds, and the tables of results.

Every table is a pandas.DataFrame; the columns of each are written at its name. Missing is NaN. Nothing here computes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat.brief import Brief

Kind = Literal["binary", "multiclass", "regression"]
Status = Literal["ok", "failed"]

MAIN_METRIC: dict[Kind, str] = {"binary": "roc_auc", "multiclass": "balanced_accuracy", "regression": "mae"}
"""The figure that classifiers are ranked by."""
LESS_IS_BETTER = frozenset({"mae", "rmse", "brier"})
METRICS: dict[Kind, tuple[str, ...]] = {
    "binary": ("roc_auc", "balanced_accuracy", "accuracy", "average_precision", "f1", "precision", "recall", "brier"),
    "multiclass": ("balanced_accuracy", "accuracy", "roc_auc", "f1", "brier"),
    "regression": ("mae", "rmse", "r2"),
}
"""The figures of each kind of target, in the order they are shown, the main one first. F1, precision and recall
are the positive class's where there are two classes, and F1 the mean over classes where there are several (macro);
roc_auc of several classes is the mean of each against the rest; brier the mean squared error of the calibrated
probabilities, summed over classes where there are several."""


@dataclass(frozen=True, eq=False, repr=False)
class Problem(Brief):
    """A table made ready: what is predicted, from what, and which prints must not be on both sides of a split.

    Attributes
    ----------
    target, group : str
        Columns of what is predicted, and of the groups that stay together.
    kind : "binary", "multiclass" or "regression"
    classes : tuple of str
        Classes in sorted order; empty for a number. Encodings are indices into it, and never leave the package.
    positive : str or None
        The class of score, precision and recall where there are two: the rarer one unless another is asked for.
    features : pandas.DataFrame, shape (prints, columns)
        float32; columns that are constant or all empty are left out (see `notes`).
    families : dict of str to list of str
        Names of the columns, by family.
    y : ndarray, shape (prints,)
        int64 indices into `classes`, or float64.
    groups, sources : ndarray of str, shape (prints,)
        The group of each print; its file.
    labels : pandas.DataFrame, shape (prints, labels)
        Every other column of the table (meta_* and labels), row by row with the features.
    notes : tuple of str
        Decisions that were taken on the way (rows and columns left out, and why), for people.
    about : mapping
        The table's sidecar.
    """

    target: str
    group: str
    kind: Kind
    classes: tuple[str, ...]
    positive: str | None
    features: pd.DataFrame
    families: Mapping[str, list[str]]
    y: NDArray[Any]
    groups: NDArray[Any]
    sources: NDArray[Any]
    labels: pd.DataFrame
    notes: tuple[str, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.y)

    @property
    def metric(self) -> str:
        """The figure that classifiers are ranked by."""
        return MAIN_METRIC[self.kind]

    @property
    def y_true(self) -> NDArray[Any]:
        """The target as class names, or numbers; shape (prints,)."""
        return self.y if self.kind == "regression" else np.array(self.classes, object)[self.y]


@dataclass(frozen=True, eq=False, repr=False)
class Fold(Brief):
    """One split into training and test rows.

    Attributes
    ----------
    repeat, number : int
        Both from 0.
    train, test : ndarray of int64
        Row numbers.
    shared_groups : tuple of str
        Groups on both sides; empty unless the protocol leaks.
    """

    repeat: int
    number: int
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    shared_groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """One classifier as a whole: its name as given in the options, and in one sentence what it is."""

    name: str
    meaning: str
    status: Status = "ok"
    reason: str = ""
    """Why it failed; empty otherwise."""
    seconds: float = 0.0
    """Time of fitting and predicting, summed over the folds; importing libraries is not counted."""


@dataclass(frozen=True)
class Reproduction:
    """What is needed to reproduce a comparison."""

    command: str
    """The command line."""
    versions: Mapping[str, str]
    """Of ridgefeat, Python and the libraries."""
    digests: Mapping[str, str]
    """Of the table (sha256 of the file), its schema and its parameters, as far as known."""
    seed: int
    split: str
    """The protocol in words: "group, 5 folds, 1 repeat"."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The other options."""


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Brief):
    """Classifiers compared on one problem.

    Metrics are named as in METRICS[problem.kind]; `<metric>_low` and `<metric>_high` bound 95 % intervals, from a
    bootstrap over groups, widened where folds train each other (ridgefeat.bench.metrics). A table that was not asked
    for or could not be made is None.

    Attributes
    ----------
    problem : Problem
    folds : tuple of Fold
    leaks : bool
        The protocol puts one group's prints on both sides; every figure is then too good.
    runs : tuple of Run
        In the order in which the classifiers were asked for.
    results : pandas.DataFrame
        A row per classifier, repeat and fold: classifier, repeat, fold, status, reason, train_prints, test_prints,
        train_groups, test_groups, shared_groups, seconds, chosen (by tuning), columns (how many were selected, where
        they were), then every metric.
    scores : pandas.DataFrame
        A row per print, classifier and repeat, out of fold: source, group, y_true, classifier, repeat, fold, y_pred,
        score (of the positive class, in the classifier's own scale; the highest probability where there are several;
        the prediction itself for a number), then p_<class>: probabilities.
    calibrated : bool
        The probabilities were calibrated across folds: a fold's by a logistic curve through the other folds' scores.
        Where False (one fold) they are the classifier's own.
    summary : pandas.DataFrame
        A row per classifier, best first, those that failed last: classifier, status, reason, seconds, then for every
        metric <metric>, <metric>_low, <metric>_high, <metric>_sd (over folds).
    classes : pandas.DataFrame or None
        classifier, class, precision, recall, f1, support.
    confusion : pandas.DataFrame or None
        classifier, y_true, y_pred, count, share (of y_true).
    calibration : pandas.DataFrame or None
        classifier, class, bin, predicted (mean probability), observed (share), count.
    fused_scores, fused_summary : pandas.DataFrame or None
        As `scores` (a row per group; source is the group) and `summary`, from the mean over each group's prints.
    fuse : str or None
        The column that prints were fused by.
    pairs : pandas.DataFrame or None
        Each classifier compared with the best and with dummy: reference ("best" or "dummy"), classifier, against (the
        reference by name), metric, difference (classifier minus reference), difference_low, difference_high (bootstrap
        over groups), p (corrected resampled t test), p_holm.
    learning : pandas.DataFrame or None
        classifier, groups (in training), repeat, fold, value (of the main metric).
    importances : pandas.DataFrame or None
        classifier, level ("family" or "column"), name, family, drop (of the main metric when shuffled in the test
        rows), drop_low, drop_high; most important first.
    ablation : pandas.DataFrame or None
        Families alone, left out, and added one after the other from the best alone on: classifier, how ("alone",
        "without", "added"), family, columns (count), value, value_low, value_high, difference (to all families),
        difference_low, difference_high.
    confounds : pandas.DataFrame or None
        The ridges or acquisition conditions: classifier, confound (a kind of acquisition column, "acquisition" for all,
        "finger", "ridges", "ridges and acquisition", or "ridges, <kind> removed" and "acquisition, ridges removed" with
        those regressed out in training), meaning, columns (count), value, value_low, value_high; fused, fused_low,
        fused_high where prints were fused; explained, explained_low, explained_high: the share of the advantage over
        chance that is lost with what was removed.
    levels : pandas.DataFrame or None
        Results within each level of a label: classifier, column, level, prints, groups, then for every metric but
        average precision <metric>, <metric>_low, <metric>_high.
    controls : pandas.DataFrame or None
        Negative controls, which know nothing of the target by construction: control, meaning, classifier, metric,
        value, value_low, value_high (the range over draws; of "acquisition order" the 95 % interval), chance, passed
        (the range is not above chance).
    epochs : pandas.DataFrame or None
        Of classifiers that train in epochs: classifier, repeat, fold, epoch (from 1), and their own figures.
    selection : pandas.DataFrame or None
        Where columns were selected: column, family, icc (NaN where not known), folds (in which it was chosen), of (how
        many folds); those chosen most often first.
    audit : object or None
        The leak audit (ridgefeat.audit.Audit).
    reproduction : Reproduction
    """

    problem: Problem
    folds: tuple[Fold, ...]
    leaks: bool
    runs: tuple[Run, ...]
    results: pd.DataFrame
    scores: pd.DataFrame
    calibrated: bool
    summary: pd.DataFrame
    reproduction: Reproduction
    classes: pd.DataFrame | None = None
    confusion: pd.DataFrame | None = None
    calibration: pd.DataFrame | None = None
    fused_scores: pd.DataFrame | None = None
    fused_summary: pd.DataFrame | None = None
    fuse: str | None = None
    pairs: pd.DataFrame | None = None
    learning: pd.DataFrame | None = None
    importances: pd.DataFrame | None = None
    ablation: pd.DataFrame | None = None
    confounds: pd.DataFrame | None = None
    levels: pd.DataFrame | None = None
    controls: pd.DataFrame | None = None
    epochs: pd.DataFrame | None = None
    selection: pd.DataFrame | None = None
    audit: Any = None

    @property
    def best(self) -> str | None:
        """The classifier that ranks first; None if all failed."""
        fine = self.summary[self.summary["status"] == "ok"]
        return None if fine.empty else str(fine["classifier"].iloc[0])
