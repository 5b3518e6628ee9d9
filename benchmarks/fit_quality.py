"""Fit the points of the quality score (ridgefeat/features/quality/score.json) to mated comparisons of prints.

    python benchmarks/fit_quality.py

Needs FVC2002, FVC2004 and FCJ2020 below RIDGEFEAT_DATA or .data/. Which figures enter, SATURATION and PENALTY were
chosen on FCJ2020 and the simulated prints, by fitting to half of the people and judging on the other half;
benchmarks/quality_score.py judges the score on the other databases, each left out of the fit. What was measured is kept
in the folder of temporary files, and measured again when the package changes.
"""

from __future__ import annotations

from _common import ROOT, WRONG_LABELS, need  # isort: skip

import hashlib
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import minimize
from verify_left_out import FVC, RELATED

from ridgefeat.errors import TemplateError
from ridgefeat.features.quality import quality
from ridgefeat.features.quality.score import FALLING, FIGURES, MODEL, measure, points
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.sources import find_prints, load_print
from ridgefeat.synth import make_impression, make_master
from ridgefeat.synth.impression import draw_params
from ridgefeat.verify import compare, prepare, template_from_print

SETS = (*FVC, "FCJ2020", "simulated")
SATURATION = (0.02, 0.75)
"""Shares of prints that are worse than a figure's worst value (no points), and than its best value (all points)."""
SHARES = (0.05, 0.1, 0.2, 0.4)
"""Shares of a database's mated comparisons, from the lowest score up, that the regression tells from the rest."""
PENALTY = 2e-4
"""On the squared differences of the weights from their mean: few prints should not decide for one figure alone."""
FINGERS, IMPRESSIONS = 60, 5
FAILED = -50.0
"""Comparison score of a print without a template."""


@dataclass(frozen=True)
class Prints:
    """A database: figures, shape (prints, figures); the finger of each print; its mated comparisons."""

    figures: np.ndarray
    finger: np.ndarray
    first: np.ndarray
    second: np.ndarray
    score: np.ndarray


def simulated():
    """Yield (finger, print) of simulated prints, whose noise, pressure and contact vary more than usual."""
    for finger in range(FINGERS):
        master = make_master(rng=np.random.default_rng([78, finger]))
        for k in range(IMPRESSIONS):
            rng = np.random.default_rng([78, finger, k])
            params = replace(
                draw_params(int(rng.integers(1, 4)), rng),
                pressure=rng.uniform(-1, 1),
                noise=rng.uniform(2, 50),
                contact=rng.uniform(0.5, 1.05),
            )
            yield str(finger), Fingerprint(make_impression(master, rng=rng, params=params).image, 500)


def prints(name):
    """Yield (finger, print) of a database in stable order."""
    if name == "simulated":
        yield from simulated()
        return
    for source in find_prints([need(name.split("/")[0]).parent / name]):
        stem = source.path.stem
        if name != "FCJ2020" or stem not in WRONG_LABELS:
            loaded = load_print(source)
            yield stem.rsplit("_", 1)[0], Fingerprint(loaded.pixels, (loaded.dpi_x, loaded.dpi_y))


def figures_of(fp):
    """Return the figures of a print."""
    names = (column.name for column in quality.all_columns())
    return list(measure(fp, dict(zip(names, quality.compute(fp).tolist(), strict=True))).values())


def template_of(fp):
    """Return the prepared template of a print, or None if it cannot have one."""
    try:
        return prepare(template_from_print(fp))
    except TemplateError:
        return None


def mated_pairs(finger):
    """Return the indices of the prints of every mated comparison."""
    i, j = np.triu_indices(len(finger), 1)
    mated = finger[i] == finger[j]
    return i[mated], j[mated]


def read(name):
    """Return what is known of a database, from the folder of temporary files if the package has not changed."""
    folder = Path(tempfile.gettempdir()) / "ridgefeat_fit_quality"
    folder.mkdir(exist_ok=True)
    code = b"".join(p.read_bytes() for p in sorted((ROOT / "ridgefeat").rglob("*.py")))
    path = folder / f"{name.replace('/', '_')}_{hashlib.sha256(code).hexdigest()[:16]}.npz"
    if not path.exists():
        found = [(finger, figures_of(fp), template_of(fp)) for finger, fp in prints(name)]
        finger = np.array([f for f, _, _ in found])
        i, j = mated_pairs(finger)
        both = ((found[a][2], found[b][2]) for a, b in zip(i, j, strict=True))
        score = [FAILED if a is None or b is None else compare(a, b).score for a, b in both]
        np.savez(path, figures=[f for _, f, _ in found], finger=finger, first=i, second=j, score=score)
    return Prints(**np.load(path))


def limits(sets):
    """Return each figure's worst and best value, every database counting the same."""
    weight = np.concatenate([np.full(len(s.figures), 1 / len(s.figures)) for s in sets])
    found = []
    for name, values in zip(FIGURES, np.concatenate([s.figures for s in sets]).T, strict=True):
        sign = -1 if name in FALLING else 1
        ranked = sign * values
        ranked[np.isnan(values)] = np.nanmin(ranked)
        order = np.argsort(ranked, kind="stable")
        share = np.cumsum(weight[order]) / weight.sum()
        worst, best = (ranked[order][np.searchsorted(share, q)] for q in SATURATION)
        found.append([float(f"{sign * v:.3g}") for v in (worst, best)])
    return found


def shares(figures, ends):
    """Return the share of its points that each figure gives, shape (prints, figures)."""
    columns = (np.array([points(v, *e) for v in column]) for column, e in zip(figures.T, ends, strict=True))
    return np.stack(list(columns), 1)


def fit(sets):
    """Return the model fitted to databases: worst value, best value and points of every figure that has any.

    Ordinal logistic regression: whether a comparison is among the lowest SHARES of its database, by the weighted sum of
    the shares of the worse print. Every database counts the same.
    """
    ends = limits(sets)
    rows = []
    for s in sets:
        share, low = shares(s.figures, ends), s.score[:, None] <= np.quantile(s.score, SHARES)
        rows.append((share[s.first], share[s.second], low, np.full(len(low), 1 / len(low) / len(sets) / low.shape[1])))
    a, b, low, weight = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    count = len(SHARES)

    def loss(x):
        weights = x[count:]
        of_a, of_b = a @ weights, b @ weights
        worse = np.where((of_a <= of_b)[:, None], a, b)
        z = x[:count] - np.minimum(of_a, of_b)[:, None]
        slope = (1 / (1 + np.exp(-z)) - low) * weight[:, None]
        apart = weights - weights.mean()
        value = (weight[:, None] * (np.logaddexp(0, z) - low * z)).sum() + PENALTY * (apart @ apart)
        return value, np.concatenate([slope.sum(0), 2 * PENALTY * apart - worse.T @ slope.sum(1)])

    bounds = [(None, None)] * count + [(0, None)] * len(FIGURES)
    starts = [np.random.default_rng(seed).uniform(0.2, 2, len(bounds)) for seed in range(5)]
    found = min((minimize(loss, x, jac=True, bounds=bounds, method="L-BFGS-B") for x in starts), key=lambda r: r.fun)
    most = np.round(100 * found.x[count:] / found.x[count:].sum(), 1)
    most[most.argmax()] += round(100 - most.sum(), 1)
    return {n: [*e, round(float(m), 1)] for n, e, m in zip(FIGURES, ends, most, strict=True) if m > 0}


def scores(model, figures):
    """Return the quality score of prints with the given figures."""
    column = {name: k for k, name in enumerate(FIGURES)}
    parts = [[most * points(v, worst, best) for v in figures[:, column[n]]] for n, (worst, best, most) in model.items()]
    return np.sum(parts, 0)


def left_out(sets, name):
    """Return a model fitted to all databases but one, and without the one of the same people."""
    return fit([s for other, s in sets.items() if other not in (name, RELATED.get(name))])


def main() -> None:
    cv2.setNumThreads(1)
    sets = {name: read(name) for name in SETS}
    model = fit(list(sets.values()))
    several = ", ".join(f"{name} ({len(s.figures)} prints)" for name, s in sets.items())
    held = {"data": f"mated comparisons of {several}", "columns": ["worst", "best", "points"], "figures": model}
    path = ROOT / "ridgefeat" / "features" / "quality" / MODEL
    path.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")
    print(f"{path}: {model}")
    for name in FVC:
        print(name, "left out:", {figure: row[2] for figure, row in left_out(sets, name).items()})


if __name__ == "__main__":
    main()
