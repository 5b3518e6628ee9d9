"""Fit the coefficients of the pattern classes (ridgefeat/stages/pattern.json) to NIST Special Database 4.

    python benchmarks/fit_pattern.py

Needs SD4 below RIDGEFEAT_DATA or .data/. The settings below were not tuned; benchmarks/pattern_class.py measures the
accuracy of such a fit on held-out prints.
"""

from __future__ import annotations

from _common import DATA, ROOT, need  # isort: skip

import json

import numpy as np

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.sources import find_prints, load_print
from ridgefeat.stages.pattern import CLASSES, MODEL, measure

SD4 = {"A": "arch", "T": "tented_arch", "L": "left_loop", "R": "right_loop", "W": "whorl"}
MIRRORED = {"left_loop": "right_loop", "right_loop": "left_loop"}
STRENGTH = 0.03
"""Inverse of the penalty on squared coefficients: strong, because there are as many measurements as prints."""


def labelled_prints():
    """Yield each print of SD4 with its class."""
    folder = need("SD4")
    for source in find_prints([folder], index=folder / "index.csv"):
        loaded = load_print(source)
        yield Fingerprint(loaded.pixels, (loaded.dpi_x, loaded.dpi_y)), SD4[source.labels["pattern_class"]]


def fit(names, values, classes):
    """Return a model fitted to every print and its mirror image, so that left and right are alike.

    Its probabilities are calibrated by one temperature, from scores of prints held out.
    """
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    sign, n = np.where([name.startswith("odd_") for name in names], -1, 1), len(values)
    folds = StratifiedKFold(5, shuffle=True, random_state=0).split(values, classes)
    together = [(np.concatenate([a, a + n]), np.concatenate([b, b + n])) for a, b in folds]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=5000, tol=1e-8))
    calibrated = CalibratedClassifierCV(model, method="temperature", cv=together, ensemble=False)
    both = np.concatenate([classes, [MIRRORED.get(c, c) for c in classes]])
    return calibrated.fit(np.vstack([values, values * sign]), both)


def main() -> None:
    found = [(measure(fp.flow), label) for fp, label in labelled_prints()]
    names = list(found[0][0])
    model = fit(names, np.array([list(m.values()) for m, _ in found]), np.array([label for _, label in found]))
    fitted = model.calibrated_classifiers_[0]
    (scaler, regression), sharpness = fitted.estimator, fitted.calibrators[0].beta_
    order = [list(model.classes_).index(c) for c in CLASSES]
    columns = np.column_stack([scaler.mean_, scaler.scale_, sharpness * regression.coef_[order].T])
    held = {
        "data": f"NIST SD4, {len(found)} prints in equal shares of {', '.join(CLASSES)}, and their mirror images",
        "columns": ["mean", "deviation", *CLASSES],
        "intercepts": np.round(sharpness * regression.intercept_[order], 4).tolist(),
        "measurements": {n: [float(f"{v:.4g}") for v in row] for n, row in zip(names, columns, strict=True)},
    }
    path = ROOT / "ridgefeat" / "stages" / MODEL
    path.write_text(json.dumps(held) + "\n", encoding="utf-8")
    print(f"{path}: {len(names)} measurements of prints below {DATA}, coefficients times {sharpness:.2f}")


if __name__ == "__main__":
    main()
