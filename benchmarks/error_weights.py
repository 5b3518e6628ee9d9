"""Does it help to weight a person's prints by their errors of measurement when predictions are fused per person?

    python benchmarks/error_weights.py [--table SOCOFing.parquet]

Sex on SOCOFing, family ridge: logistic regression, five folds of people. A person's log odds are the mean over the
prints, plain or weighted by 1 / se² of `ridge_period_mean`. The interval of the difference is a bootstrap over people.
Nothing was tuned. Writes benchmarks/results/error_weights.md.
"""

from _common import need, report, table  # isort: skip

import argparse

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ridgefeat.bench import load
from ridgefeat.features import select
from ridgefeat.reliability import ErrorModel
from ridgefeat.table import extract_many

SAMPLES = 2000
NEEDED = ["ridge_period_mean", "quality_score", "ridge_area"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", help="a table of extract, so that prints are not read again")
    given = parser.parse_args().table
    families = ["ridge", "quality"]
    frame = load(given)[0] if given else extract_many([need("SOCOFing/Real")], families=families, jobs=None)
    frame = frame[frame[NEEDED].notna().all(axis=1)].reset_index(drop=True)
    names = [c.name for family in select(["ridge"]) for c in family.all_columns()]
    male = (frame["sex"] == "male").to_numpy(int)
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=2000))
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    logit = cross_val_predict(
        model, frame[names].to_numpy(float), male, groups=frame["subject"], cv=folds, method="decision_function"
    )
    se = ErrorModel.make().of(NEEDED, frame[NEEDED].to_numpy())[:, 0].astype(float)
    weight = se**-2
    prints = pd.DataFrame({"male": male, "plain": logit, "weighted": logit * weight, "weight": weight})
    people = prints.groupby(frame["subject"]).mean()
    people["weighted"] /= people["weight"]
    y = people["male"].to_numpy(int)
    scores = people[["plain", "weighted"]].to_numpy().T
    auc = [roc_auc_score(y, score) for score in scores]
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(SAMPLES):
        rows = rng.integers(0, len(y), len(y))
        plain, weighted = (roc_auc_score(y[rows], score[rows]) for score in scores)
        drawn.append(weighted - plain)
    low, high = np.quantile(drawn, [0.025, 0.975])
    spread = np.quantile(se, [0.05, 0.95])
    report(
        "error_weights",
        "Weighting prints by their errors of measurement",
        [
            (__doc__ or "").split("\n\n")[2].replace(" Writes benchmarks/results/error_weights.md.", ""),
            f"{len(frame)} prints of {len(people)} people. Standard errors differ by a factor of "
            f"{spread[1] / spread[0]:.2f} between the 5 % and the 95 % quantile of prints.",
            table(
                ["fusion per person", "AUC"],
                [
                    ["mean", f"{auc[0]:.4f}"],
                    ["weighted by 1 / se²", f"{auc[1]:.4f}"],
                    ["weighted less mean", f"{auc[1] - auc[0]:+.4f} ({low:+.4f} to {high:+.4f})"],
                ],
            ),
        ],
    )


if __name__ == "__main__":
    main()
