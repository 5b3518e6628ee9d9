"""Which columns measure how a print was acquired and not its ridges: simulated fingers under known conditions.

    python benchmarks/acquisition_columns.py [FINGERS]

A column counts as an acquisition condition if it does not follow the ridge period of fingers that are acquired under
the same conditions, and if the conditions explain most of its variance among impressions of the same finger.
"""

from __future__ import annotations

from _common import report, table  # isort: skip

import itertools
import sys
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.stats import spearmanr
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold, cross_val_predict

import ridgefeat as rf
from ridgefeat.bench.diagnostics import acquisition_columns
from ridgefeat.synth import ImpressionParams, make_impression, make_master

FINGERS, IMPRESSIONS = 300, 4
PERIOD_MM = (0.40, 0.56)
MAX_CORRELATION = 0.2
MIN_EXPLAINED = 0.5
SAME = {"noise": 5.0, "roughness": 0.3}
"""The conditions under which all fingers are acquired once."""
CANDIDATES = (
    "ridge_thickness_ratio",
    "ridge_thickness_ratio_sd",
    "ridge_white_share",
    "ridge_area",
    "ridge_width",
    "ridge_height",
    *(f"quality_rvu_bin{i}" for i in range(10)),
    "quality_rvu_mean",
    "quality_rvu_std",
    "quality_minutiae_mu",
    "quality_mu",
    "quality_mmb",
    "quality_sigma",
    "quality_roi_mean",
    "quality_grey_mean",
    "quality_grey_std",
    "quality_grey_p10",
    "quality_grey_p90",
    "quality_grey_entropy",
    "quality_dark_share",
    "quality_black_share",
    "quality_white_share",
    "quality_ridge_contrast",
    "quality_ridge_sharpness",
    "quality_area_share",
    "quality_area_cut",
    "orient_core_x",
    "orient_core_y",
)
"""What version 0.1 took for acquisition conditions."""


def draw_conditions(rng: np.random.Generator) -> dict[str, float]:
    """Draw pressure, contrast, noise and placement of an impression."""
    return {
        "pressure": rng.uniform(-0.8, 0.8),
        "unevenness": rng.uniform(0, 0.8),
        "roughness": rng.uniform(0, 1),
        "smudge": rng.uniform(0, 0.4),
        "noise": rng.uniform(0, 30),
        "blur": rng.uniform(0.3, 1.5),
        "contact": rng.uniform(0.6, 1.1),
        "contact_x": rng.normal(0, 20),
        "contact_y": rng.normal(0, 25),
        "shift_x": rng.normal(0, 15),
        "shift_y": rng.normal(0, 15),
        "rotation": rng.normal(0, 0.1),
        "distortion": rng.uniform(0.3, 1.5),
    }


def simulate(fingers: int, seed: int = 10_000, impressions: int = IMPRESSIONS, jobs: int = 2) -> pd.DataFrame:
    """Return a row per impression: finger, period in mm, whether under the same conditions, conditions, features."""
    rows = Parallel(jobs)(delayed(_one_finger)(seed + i, impressions) for i in range(fingers))
    return pd.DataFrame(list(itertools.chain.from_iterable(rows)))


def _one_finger(seed: int, impressions: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    period = rng.uniform(*PERIOD_MM)
    master = make_master(rng=seed, period_mm=period)
    rows = []
    for k in range(impressions + 1):
        conditions = draw_conditions(rng) if k else SAME
        made = make_impression(master, rng=1000 * seed + k, params=ImpressionParams(**conditions))
        row = {"finger": seed, "period": period, "same": k == 0}
        row |= {f"condition_{name}": value for name, value in conditions.items()}
        rows.append(row | dict(rf.extract(rf.Fingerprint(made.image, dpi=made.dpi))))
    return rows


def measure(rows: pd.DataFrame, column: str) -> dict[str, float]:
    """Return a column's rank correlation with the period and the share of its variance that the conditions explain.

    The first over fingers under the same conditions, with its 95 % interval by bootstrap; the second within fingers, by
    a ridge regression on the conditions and their products, for fingers on which it was not fitted.
    """
    same = rows[rows["same"]].dropna(subset=[column])
    varied = rows[~rows["same"]].dropna(subset=[column])
    if len(same) < 3 or not same[column].std() > 0:
        return {"correlation": np.nan, "low": np.nan, "high": np.nan, "explained": np.nan, "n": len(same)}
    pairs = same[[column, "period"]].to_numpy(np.float64)
    rng = np.random.default_rng(0)
    drawn = [spearmanr(*pairs[rng.integers(0, len(pairs), len(pairs))].T).statistic for _ in range(500)]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    conditions = varied.filter(like="condition_")
    z = ((conditions - conditions.mean()) / conditions.std()).to_numpy()
    first, second = np.triu_indices(z.shape[1])
    products = pd.DataFrame(np.hstack([z, z[:, first] * z[:, second]]))
    finger = varied["finger"].to_numpy()
    x = (products - products.groupby(finger).transform("mean")).to_numpy()
    y = varied[column].to_numpy(np.float64)
    y = y - pd.Series(y).groupby(finger).transform("mean").to_numpy()
    predicted = cross_val_predict(RidgeCV(np.logspace(-2, 4, 13)), x, y, groups=finger, cv=GroupKFold(5))
    explained = 1 - float(((y - predicted) ** 2).sum() / (y**2).sum()) if y.any() else np.nan
    correlation = float(spearmanr(*pairs.T).statistic)
    return {"correlation": correlation, "low": low, "high": high, "explained": explained, "n": len(same)}


def is_condition(measured: dict[str, float]) -> bool:
    """Whether a column counts as an acquisition condition."""
    return abs(measured["correlation"]) <= MAX_CORRELATION and measured["explained"] >= MIN_EXPLAINED


def main() -> None:
    fingers = int(sys.argv[1]) if len(sys.argv) > 1 else FINGERS
    rows = simulate(fingers)
    kinds = {name: kind for kind, names in acquisition_columns(CANDIDATES).items() for name in names}
    lines = []
    for column in CANDIDATES:
        found = measure(rows, column)
        keys = ("correlation", "low", "high", "explained")
        values = [f"{found[k]:.2f}" if np.isfinite(found[k]) else "–" for k in keys]
        rho = f"{values[0]} ({values[1]} to {values[2]})"
        lines.append([column, rho, values[3], "yes" if is_condition(found) else "no", kinds.get(column, "–")])
    report(
        "acquisition_columns",
        "Which columns are acquisition conditions",
        [
            f"{fingers} simulated fingers with ridge periods of {PERIOD_MM[0]:.2f} to {PERIOD_MM[1]:.2f} mm. Each was "
            f"acquired once under the same conditions and {IMPRESSIONS} times under drawn ones: pressure, moisture, "
            "roughness, smudges, noise, blur, contact area and part, shift, rotation and distortion.",
            "`correlation`: Spearman's, with the ridge period, over fingers under the same conditions (95 % interval, "
            "bootstrap over fingers). `explained`: share of the variance within fingers that the conditions explain "
            "in fingers that the regression was not fitted on. A column counts as a condition if the correlation is at "
            f"most {MAX_CORRELATION} in size and the share at least {MIN_EXPLAINED}. `kind` is where "
            "`ridgefeat.bench.diagnostics` files it. The two limits were set before this run, on other simulated "
            "fingers; no real print was used. A column that does not vary in simulated prints (–) counts as none.",
            table(["column", "correlation", "explained", "condition", "kind"], lines),
        ],
    )


if __name__ == "__main__":
    main()
