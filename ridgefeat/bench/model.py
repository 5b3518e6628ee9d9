"""A classifier that is fitted on all prints, its predictions for others, and its file.

A table that was extracted with other columns or parameters is refused. A file is written through skops: numbers and
names, no code; every type in it is checked before it is loaded.
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, Required, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skops import io

from ridgefeat import files
from ridgefeat._version import __version__
from ridgefeat.bench import pooling
from ridgefeat.bench.classifiers import ENSEMBLES, build, default_names, find
from ridgefeat.bench.ensemble import build_ensemble, evaluate_ensemble, select_members
from ridgefeat.bench.evaluation import evaluate, failure, fit, raw_scores
from ridgefeat.bench.inputs import level_codes, level_names, levels_of, make_inputs
from ridgefeat.bench.metrics import Floats, group_numbers
from ridgefeat.bench.novelty import NoveltyDetector
from ridgefeat.bench.options import FEATURES, Method, Options
from ridgefeat.bench.pooling import PooledPredictions, fuse_predictions, pool_predictions
from ridgefeat.bench.results import Fold, Problem
from ridgefeat.bench.splits import make_folds
from ridgefeat.brief import Brief
from ridgefeat.errors import ModelError, ParameterError, TableError
from ridgefeat.files import first_few, first_line, os_errors_as
from ridgefeat.schema import check_schema
from ridgefeat.table.sidecar import Recorded
from ridgefeat.work.threads import one_thread

FORMAT = "ridgefeat model 3"
DIGITS = 9
"""Digits of a probability; further ones are rounding errors."""
UNFIT_FLAGS = ("no_print", "too_small", "wrong_scale")
"""Flags of prints that do not show what ordinary ones look like."""
UNKNOWN_LAYOUTS = ("plain", "regex", "array")
"""Layouts that say nothing about the sensor, and are the same to a model."""
DPI_TOLERANCE = 0.02
"""Relative difference up to which two resolutions are one."""
MAX_BYTES = 1 << 30
OWN_TYPES = {
    "estimators": ("GroupScaler", "AdaptivePCA", "RbfClassifier", "RbfRegressor", "NamedClusters", "ClusterMeans")
    + ("NearestClasses", "NearestNumbers", "Resampler"),
    "ensemble": ("FrozenEnsemble",),
    "novelty": ("FamilyDistance", "NoveltyDetector"),
}
"""The package's classes that a model file may hold, by module."""
NOISE = "quality_noise"
"""Column by which a noisy print is recognised, whatever its ridges look like."""
PARTS = ("pipeline", "calibrator", "novelty", "fused_calibrator")
"""What a model file holds of a model, in addition to `about`."""
TREE_TYPES = ("sklearn.tree._tree.Tree", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor")
"""Types with compiled code that follows the file's indices unchecked; they are checked after loading."""
TRUSTED = [f"ridgefeat.bench.{module}.{name}" for module, names in OWN_TYPES.items() for name in names]
TRUSTED += ["numpy.dtype", "sklearn.utils._bunch.Bunch", *TREE_TYPES]


class _Training(TypedDict):
    prints: int
    groups: int


class Description(TypedDict, total=False):
    """Schema of a model's `about`."""

    format: Required[str]
    classifier: Required[str]
    members: Required[list[str]]
    kind: Required[Literal["binary", "multiclass", "regression"]]
    target: Required[str]
    group: Required[str]
    classes: Required[list[str]]
    shares: list[float]
    fused_shares: list[float]
    columns: Required[list[str]]
    within: Required[list[str]]
    levels: Required[list[str]]
    sources: Required[list[tuple[str, float, float]]]
    table: Required[Recorded]
    seed: Required[int]
    training: Required[_Training]
    versions: dict[str, str]


@dataclass(frozen=True, eq=False, repr=False)
class Model(Brief):
    """A fitted pipeline and all that is needed to use it.

    Attributes
    ----------
    pipeline, calibrator : estimator
        The calibrator is None for regression.
    about : mapping
        classifier, members (of mean and stack), kind, target, group, classes, shares and fused_shares (what `decide`
        compares each class's probability with), columns, within, levels, sources (layout and resolution of the training
        prints), schema and parameters of the table, seed, training (prints, groups), versions.
    novelty : NoveltyDetector
        Finds prints unlike those of training.
    fused_calibrator : estimator
        Of the mean scores of a group's prints; None for regression, and where prints of a group differ in the target.
    """

    pipeline: Any
    calibrator: Any
    about: Mapping[str, Any]
    novelty: Any
    fused_calibrator: Any = None


def train(problem: Problem, classifier: str, options: Options | None = None) -> Model:
    """Fit one classifier on all prints of a problem.

    Probabilities are calibrated on out-of-fold scores, thus on people whom the scoring fit had not seen.

    Parameters
    ----------
    problem : Problem
    classifier : str
        As in ridgefeat.bench.classifiers, mean and stack too; not one that reads images.
    options : Options, optional
        within, imbalance, tune, folds, seed and jobs are used.

    Returns
    -------
    Model

    Raises
    ------
    ParameterError
        If the classifier cannot be stored.
    ModelError
        If it cannot be fitted.
    """
    o = (options or Options()).complete(problem)
    X = np.asarray(make_inputs(problem, o)[FEATURES])
    single = classifier not in ENSEMBLES
    methods = [find(n) for n in ([classifier] if single else default_names(problem.kind)) if n not in ENSEMBLES]
    if reading_images := [m.name for m in methods if m.input != FEATURES]:
        raise ParameterError(f"{reading_images[0]} reads images; a model file holds classifiers of features")
    # Of one classifier of numbers there is nothing to calibrate.
    pooled = {} if single and problem.kind == "regression" else _pool_out_of_fold(problem, methods, X, o)
    if single:
        pipeline, members = _fit_whole(problem, methods[0], X, o), []
    else:
        try:
            members = select_members(problem, classifier, pooled)
        except ValueError as error:
            raise ModelError(f"{classifier} cannot be fitted: {first_line(error)}") from None
        fitted = {n: _fit_whole(problem, find(n), X, o) for n in members}
        pipeline = build_ensemble(problem, classifier, pooled, fitted, X)
        pooled[classifier] = pool_predictions(problem, evaluate_ensemble(problem, classifier, pooled))
    about = _about(problem, classifier, o) | {"members": members}
    novelty = _fit_novelty(problem)
    if problem.kind == "regression":
        return Model(pipeline, None, about, novelty)
    p = pooled[classifier]
    calibrator, fused_calibrator, fused_y = pooling.fit_calibrator(p.score, p.y), None, problem.y
    with suppress(TableError):  # where the prints of a group have several targets
        fused = fuse_predictions(problem, {"": pooled[classifier]}, problem.group)[1][""]
        fused_calibrator, fused_y = pooling.fit_calibrator(fused.score, fused.y), fused.y
    for name, y in (("shares", problem.y), ("fused_shares", fused_y)):
        about[name] = pooling.class_shares(y, len(problem.classes), o.imbalance != "none").tolist()
    return Model(pipeline, calibrator, about, novelty, fused_calibrator)


def _fit_novelty(problem: Problem) -> NoveltyDetector:
    """Return what finds prints unlike the training prints, learned from those without a flag that makes them unfit."""
    flags = problem.labels.get("meta_flags", pd.Series("", problem.labels.index)).fillna("").astype(str)
    fit = ~flags.str.contains("|".join(UNFIT_FLAGS)).to_numpy(bool)
    groups = group_numbers(problem.groups)
    if len(np.unique(groups[fit])) < 2:
        fit[:] = True
    numbers = {name: i for i, name in enumerate(problem.features.columns)}
    # Noise by itself: among a family's columns one alone is outweighed by what prints differ in.
    parts = {family: [n for n in names if n != NOISE] for family, names in problem.families.items()}
    parts |= {"noise": [NOISE]} if NOISE in numbers else {}
    families = {part: [numbers[n] for n in names] for part, names in parts.items() if names}
    with one_thread():
        return NoveltyDetector(families).fit(problem.features.to_numpy(np.float64)[fit], groups[fit])


def _pool_out_of_fold(
    problem: Problem, methods: Sequence[Method], X: NDArray[Any], options: Options
) -> dict[str, PooledPredictions]:
    """Return every classifier's predictions out of fold; those that fail are left out where others remain."""
    folds = make_folds(problem, folds=options.folds, seed=options.seed)
    by_method = evaluate(problem, methods, folds, options, {FEATURES: X})
    reasons = {n: failure(outcomes) for n, outcomes in by_method.items()}
    if len(methods) == 1 and reasons[methods[0].name]:
        raise ModelError(f"{methods[0].name} cannot be fitted: {reasons[methods[0].name]}")
    return {n: pool_predictions(problem, outcomes) for n, outcomes in by_method.items() if not reasons[n]}


def _fit_whole(problem: Problem, method: Method, X: NDArray[Any], options: Options) -> Any:
    """Return the classifier fitted on all prints."""
    whole = Fold(0, 0, np.arange(len(problem)), np.arange(0))
    try:
        with one_thread():
            return fit(build(method, options), method, whole, options, X, problem.y, group_numbers(problem.groups))[0]
    except ValueError as error:
        raise ModelError(f"{method.name} cannot be fitted: {first_line(error)}") from None


def _about(problem: Problem, classifier: str, options: Options) -> dict[str, Any]:
    levels = levels_of(level_names(problem.labels, options.within)) if options.within else []
    digests = ("schema_digest", "parameters_digest", "own_families")
    kept = ("columns", "parameters", "families", *digests, "layout", "label_kinds")
    return {
        "format": FORMAT,
        "classifier": classifier,
        "kind": problem.kind,
        "target": problem.target,
        "group": problem.group,
        "classes": list(problem.classes),
        "columns": list(problem.features.columns),
        "within": list(options.within),
        "levels": levels,
        "table": {k: problem.about[k] for k in kept if k in problem.about},
        "seed": options.seed,
        "sources": sorted({(a, b, c) for a, b, c in _sources(problem.labels)}),
        "training": {"prints": len(problem), "groups": len(set(problem.groups))},
        "versions": {"ridgefeat": __version__, "scikit-learn": version("scikit-learn"), "skops": version("skops")},
    }


def _sources(labels: pd.DataFrame) -> list[tuple[str, float, float]]:
    """Return each print's layout and resolution, "" and 0 where they are not known."""
    columns = labels.reindex(columns=["meta_layout", "meta_dpi_x", "meta_dpi_y"]).astype(object)
    columns = columns.where(columns.notna(), None)
    return [
        ("" if layout is None or layout in UNKNOWN_LAYOUTS else str(layout), float(x or 0), float(y or 0))
        for layout, x, y in columns.itertuples(index=False, name=None)
    ]


def predict(model: Model, frame: pd.DataFrame, about: Mapping[str, Any], fuse: str | None = None) -> pd.DataFrame:
    """Predict a table's prints, or people, with a model.

    Parameters
    ----------
    model : Model
    frame : pandas.DataFrame
        As read_table gives it.
    about : mapping
        Its sidecar.
    fuse : str, optional
        Label whose prints are predicted together, by the mean of their scores: a row per value instead of per print.

    Returns
    -------
    pandas.DataFrame
        source (or the label that was fused by, and prints, those that the answer is from), predicted (class or number,
        missing where there is no answer), p_<class>, no_answer (why, else empty). The class is decided as in
        ridgefeat.bench.pooling.decide.

    Raises
    ------
    TableError
        If the table was extracted with other columns or parameters, or lacks a label that columns are
        standardised within or that prints are fused by.
    ModelError
        If the model cannot fuse prints.
    """
    from ridgefeat.table import check_same

    check_same(model.about["table"], about)
    names = model.about["columns"]
    if lacking := [c for c in names if c not in frame.columns]:
        raise TableError(f"the table lacks {len(lacking)} of the model's columns, first {lacking[0]!r}")
    # Trained on float32, but multiplied in float64: in float32 a print's figures depend on how many others are
    # predicted with it.
    X = frame[names].to_numpy(np.float32).astype(np.float64)
    reason = _no_answer(model, frame, X)
    if model.about["within"]:
        levels = level_names(frame, model.about["within"])
        X = np.concatenate([X, level_codes(levels, model.about["levels"])[:, None]], axis=1)
    try:
        if model.about["kind"] == "regression":
            scores = np.asarray(model.pipeline.predict(X), np.float64)[:, None]
        else:
            scores = raw_scores(model.pipeline, X, len(model.about["classes"]))
    except (ValueError, ArithmeticError, LookupError) as error:  # numbers in the file that overflow
        raise ModelError(f"the model is damaged: {first_line(error)}; train it again") from None
    if fuse is None:
        return _answers(model, pd.DataFrame({"source": frame["meta_source"]}), scores, reason, "")
    return _answers(model, *_mean_scores(model, frame, fuse, scores, reason), "fused_")


def _mean_scores(
    model: Model, frame: pd.DataFrame, column: str, scores: Floats, reason: NDArray[Any]
) -> tuple[pd.DataFrame, Floats, NDArray[Any]]:
    """Return the values of a label with their numbers of prints that have an answer, and these prints' mean scores."""
    if model.about["kind"] != "regression" and model.fused_calibrator is None:
        raise ModelError(
            f"the model cannot predict prints together: in training, prints of one {model.about['group']} have several "
            f"values of {model.about['target']!r}"
        )
    if column not in frame or frame[column].isna().any():
        missing = "no such column" if column not in frame else f"{int(frame[column].isna().sum())} prints without it"
        raise TableError(f"prints cannot be predicted together by {column!r}: the table has {missing}")
    values, unit = np.unique(frame[column].astype(str).to_numpy(str), return_inverse=True)
    fine = reason == ""
    count = np.bincount(unit[fine], minlength=len(values))
    mean = pd.DataFrame(scores[fine]).groupby(unit[fine]).mean().reindex(range(len(values)), fill_value=0.0)
    why = np.full(len(values), "", object)
    for i in np.flatnonzero(count == 0):
        why[i] = "no print with an answer: " + Counter(reason[unit == i]).most_common(1)[0][0]
    return pd.DataFrame({column: values, "prints": count}), mean.to_numpy(), why


def _answers(model: Model, out: pd.DataFrame, scores: Floats, reason: NDArray[Any], kind: str) -> pd.DataFrame:
    """Return the table with predictions, and none where there is a reason; `kind` is "fused_" or empty."""
    silent = reason != ""
    if model.about["kind"] == "regression":
        return out.assign(predicted=np.where(silent, np.nan, scores[:, 0]), no_answer=reason)
    classes = np.array(model.about["classes"], object)
    p = pooling.apply_calibrator(model.fused_calibrator if kind else model.calibrator, scores)
    decided = pooling.decide(p, np.array(model.about[f"{kind}shares"]))
    out["predicted"] = pd.Series(classes[decided], dtype=object).where(~silent)
    for k, name in enumerate(classes):
        out[f"p_{name}"] = np.where(silent, np.nan, p[:, k].round(DIGITS))
    return out.assign(no_answer=reason)


def _no_answer(model: Model, frame: pd.DataFrame, X: NDArray[np.float64]) -> NDArray[Any]:
    """Return why a print has no answer, the first that holds; empty where it has one."""
    reason = np.full(len(frame), "", object)
    families = np.array(list(model.novelty.families), object)
    for i, beyond in enumerate(model.novelty.exceeded(X)):
        if beyond.any():
            reason[i] = f"unlike the training prints: {', '.join(families[beyond])}"
    seen = model.about["sources"]
    for i, (layout, *dpi) in enumerate(_sources(frame)):
        alike = [s for s in seen if np.allclose(s[1:], dpi, rtol=DPI_TOLERANCE)]
        if layout not in [s[0] for s in seen]:
            reason[i] = f"layout {layout or 'unknown'}, which no training print has"
        elif not alike:
            reason[i] = f"resolution {dpi[0]:g}x{dpi[1]:g} dpi, which no training print has"
    if "meta_error" in frame:
        errors = frame["meta_error"]
        reason = np.where(errors.notna(), "not read: " + errors.fillna("").astype(str), reason)
    return np.where(np.isnan(X).all(axis=1) & (reason == ""), "no feature could be measured", reason)


def save_model(model: Model, path: str | Path, *, card: str = "") -> Path:
    """Write a model file through skops, and its description to <name>.json.

    Parameters
    ----------
    model : Model
    path : path
    card : str
        Text to write to <name>.md with them, such as `ridgefeat.report.render_model_card` returns.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ModelError
        If the file cannot be written, would replace a table's sidecar, or holds an estimator of a type that is not
        loaded.
    """
    target = Path(path)
    check_place(target)
    try:
        data = io.dumps({name: getattr(model, name) for name in PARTS} | {"about": json.dumps(model.about)})
    except Exception as error:
        raise ModelError(f"{model.about['classifier']} cannot be stored: {first_line(error)}") from None
    if foreign := _foreign_types(data):
        held = f"{model.about['classifier']} holds {', '.join(foreign)}, which a model file may not"
        raise ModelError(f"{held}; use one of ridgefeat's own classifiers")
    written = {target: data, **({target.with_suffix(".md"): card.encode()} if card else {})}
    written[target.with_suffix(".json")] = (json.dumps(model.about, indent=1) + "\n").encode()
    with os_errors_as(ModelError, f"model {target} cannot be written"), files.write_together(*written) as temporaries:
        for temporary, content in zip(temporaries, written.values(), strict=True):
            temporary.write_bytes(content)
    return target


def check_place(path: str | Path) -> None:
    """Refuse a path where writing a model would replace another file: <name>.json may be the sidecar of a table.

    Raises ModelError if <name>.json is there and is not a model's.
    """
    sidecar = Path(path).with_suffix(".json")
    if sidecar.is_file() and files.read_description(sidecar).get("format") != FORMAT:
        raise ModelError(
            f"{sidecar} exists and describes something else (a table, perhaps); writing the model would replace it: "
            f"give -o another name, such as {Path(path).stem}-model.skops"
        )


def load_model(path: str | Path) -> Model:
    """Read a model file; nothing in it is run.

    Parameters
    ----------
    path : path

    Returns
    -------
    Model

    Raises
    ------
    ModelError
        If it is no model file, is too large, or holds a type that is not ridgefeat's or scikit-learn's own.
    """
    source = Path(path)
    try:
        data = files.read_bounded(source, MAX_BYTES, ModelError, "model")
        with zipfile.ZipFile(BytesIO(data)) as archive:
            files.check_unpacked_size(archive)
        if foreign := _foreign_types(data):
            held = first_few(foreign)
            raise ModelError(f"model {source} holds {held}, which no ridgefeat model does; it was not loaded")
        content = io.loads(data, trusted=TRUSTED)
        about = json.loads(content["about"])
        if (form := about.get("format")) != FORMAT:
            raise ModelError(f"model {source} is a {str(form)[:40]!r}, not a {FORMAT!r}; train it again")
        check_schema(about, Description, f"model {source}", ModelError)
        for part in PARTS:
            _check_trees(content[part], source)
        model = Model(**{part: content[part] for part in PARTS}, about=about)
        _check_shapes(model)
        return model
    except ModelError:
        raise
    # A damaged archive fails in as many ways as there are parts in it.
    except Exception as error:
        raise ModelError(f"{source} is not a ridgefeat model: {type(error).__name__}: {first_line(error)}") from None


def _check_shapes(model: Model) -> None:
    """Raise ValueError if a model's parts do not fit its description, or its predictions are not finite.

    The model predicts made-up prints: a part that was emptied, or belongs to another model, fails or gives NaN.
    """
    about, detector, columns = model.about, model.novelty, model.about["columns"]
    classes = about["classes"]
    names = [c["name"] for c in about["table"]["columns"]]
    used = sorted(i for numbers in detector.families.values() for i in numbers)
    if used != list(range(len(columns))) or not set(columns) <= set(names) or len(set(columns)) < len(columns):
        raise ValueError("its columns do not fit together")
    if (about["kind"] == "regression") is not (model.calibrator is None) or len(set(classes)) < len(classes):
        raise ValueError("its classes and calibrators do not fit together")
    codes = np.arange(-1.0, len(about["levels"]) + 1)[:, None]  # every level, and codes of no level
    X = np.tile([np.zeros(len(columns)), np.full(len(columns), np.nan)], (len(codes), 1))[: len(codes)]
    cuts = np.asarray(detector.cuts_)
    distances = detector._measure(detector.distances_, X)
    if distances.shape != (len(X), 2 * len(detector.families)) or cuts.shape != distances.shape[1:]:
        raise ValueError("its detector of unlike prints does not fit its columns")
    results = [cuts, distances]
    if about["within"]:
        X = np.concatenate([X, np.minimum(codes, len(about["levels"]) - 1)], axis=1)
    if about["kind"] == "regression":
        results.append(np.asarray(model.pipeline.predict(X), np.float64).reshape(len(X)))
    else:
        scores = raw_scores(model.pipeline, X, len(classes)).reshape(len(X), len(classes))
        for kind, calibrator in (("shares", model.calibrator), ("fused_shares", model.fused_calibrator)):
            if calibrator is not None:
                p, shares = pooling.apply_calibrator(calibrator, scores), np.array(about[kind]).reshape(len(classes))
                pooling.decide(p, shares)
                results += [p.reshape(len(X), len(classes)), shares]
    if not all(np.isfinite(r).all() for r in results):
        raise ValueError("its predictions are not finite")


def _foreign_types(data: bytes) -> list[str]:
    return sorted(set(io.get_untrusted_types(data=data)) - set(TRUSTED))


def _check_trees(estimator: Any, source: Path) -> None:
    """Refuse trees whose nodes point outside themselves."""
    for tree in _trees(estimator, set()):
        if hasattr(tree, "children_left"):
            nodes, columns = tree.node_count, tree.n_features
            children = np.stack([tree.children_left, tree.children_right])
            feature = tree.feature
            leaf = tree.children_left == -1
        else:
            nodes, columns = len(tree.nodes), np.inf
            children = np.stack([tree.nodes["left"], tree.nodes["right"]]).astype(np.int64)
            feature = tree.nodes["feature_idx"]
            leaf = tree.nodes["is_leaf"].astype(bool)
            if tree.nodes["is_categorical"].any():
                raise ModelError(f"model {source} holds trees on categories, which no ridgefeat model does")
        inner, at, feature = children[:, ~leaf], np.flatnonzero(~leaf), feature[~leaf]
        # A child after its parent: inside the tree, and no walk without end.
        if (inner <= at).any() or (inner >= nodes).any() or (feature < 0).any() or (feature >= columns).any():
            raise ModelError(f"model {source} holds a damaged tree; it was not loaded")


def _trees(thing: Any, seen: set[int]) -> Iterator[Any]:
    if id(thing) in seen or isinstance(thing, (str, bytes, int, float, np.generic, type(None))):
        return
    seen.add(id(thing))
    if f"{type(thing).__module__}.{type(thing).__qualname__}" in TREE_TYPES:
        yield thing
    elif isinstance(thing, dict):
        for value in thing.values():
            yield from _trees(value, seen)
    elif isinstance(thing, (list, tuple)) or (isinstance(thing, np.ndarray) and thing.dtype == object):
        for value in np.ravel(thing) if isinstance(thing, np.ndarray) else thing:
            yield from _trees(value, seen)
    elif hasattr(thing, "__dict__"):
        yield from _trees(vars(thing), seen)
