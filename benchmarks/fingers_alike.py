"""Are two fingers of one person alike, and is it the ridges or the conditions of the day?

    python benchmarks/fingers_alike.py [--people 10,50,420] [--jobs 2] [--tables SOCOFing.parquet FCJ2020.parquet]

Pairs of two different fingers of one person against pairs of the same two fingers of two people of the same sex
(`bench --pairs`). SOCOFing has one impression of each finger, all of one session. In FCJ2020 (15 people, 4 fingers, 6
impressions) pairs are made once within an impression and once across impressions, so that conditions that change from
one impression to the next are not shared. People of a test pair are never in training. Logistic regression on absolute
differences and products of columns; nothing was chosen on these results. Writes benchmarks/results/fingers_alike.md.
"""

from _common import WRONG_LABELS, need, report, table  # isort: skip

import argparse
from pathlib import Path

import numpy as np

from ridgefeat.bench import Options, compare, load, make_problem
from ridgefeat.bench.data import BLOCKS, pair_prints
from ridgefeat.table import extract_many, feature_columns

FAMILIES = ("ridge", "orient", "minutiae", "gabor", "quality")
SHOWN = (
    ("acquisition", "conditions alone"),
    ("ridges", "ridges"),
    ("ridges, acquisition removed", "ridges, conditions removed"),
    ("acquisition, ridges removed", "conditions, ridges removed"),
)


def auc(row, name="value"):
    return f"{row[name]:.3f} ({row[f'{name}_low']:.3f}–{row[f'{name}_high']:.3f})"


def measure(frame, about, jobs, **how):
    """Return the comparison of pairs of a table."""
    made, of_pairs = pair_prints(frame, about, by="subject", group="subject", **how)
    problem = make_problem(made, of_pairs, target="same_subject", group=BLOCKS, positive="yes", kind="binary")
    return compare(problem, Options(classifiers=("logistic",), jobs=jobs, samples=500))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", default="10,50,420")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--tables", nargs=2, help="tables of extract, so that prints are not read again")
    given = parser.parse_args()
    about = {"columns": feature_columns(FAMILIES).to_dict("records")}
    if given.tables:
        soco, fcj = (load(path, families=FAMILIES)[0] for path in given.tables)
    else:
        soco, fcj = (
            extract_many([need(name)], families=FAMILIES, jobs=given.jobs) for name in ("SOCOFing/Real", "FCJ2020")
        )
    fcj = fcj[~fcj["meta_source"].map(lambda name: Path(name).stem).isin(WRONG_LABELS)]
    sets = []
    people = np.random.default_rng(0).permutation(soco["subject"].unique())
    for count in map(int, given.people.split(",")):
        chosen = soco[soco["subject"].isin(people[:count])]
        name = f"SOCOFing, {chosen['subject'].nunique()} people"
        sets.append((name, chosen, {"match": ["sex"]}))
    sets += [
        ("FCJ2020, within an impression", fcj[fcj["impression"].astype(str) == "1"], {}),
        ("FCJ2020, across impressions", fcj, {"differ": ["impression"]}),
    ]
    rows, families, notes = [], [], []
    for name, frame, how in sets:
        found = measure(frame, about, given.jobs, **how)
        summary, confounds = found.summary.iloc[0], found.confounds.set_index("confound")
        rows.append(
            [
                name,
                len(found.problem),
                len(np.unique(found.problem.groups)),
                f"{summary['roc_auc']:.3f} ({summary['roc_auc_low']:.3f}–{summary['roc_auc_high']:.3f})",
                *(auc(confounds.loc[key]) for key, _ in SHOWN),
            ]
        )
        alone = found.ablation[found.ablation["how"] == "alone"].set_index("family")
        families.append(
            [
                name,
                *(auc(alone.loc[f]) for f in FAMILIES),
                *(auc(confounds.loc[f"{f}, acquisition removed"]) for f in FAMILIES if f != "quality"),
            ]
        )
        shuffled = found.controls.set_index("control").loc["shuffled target"]
        notes.append([name, auc(shuffled), "yes" if shuffled["passed"] else "no"])
        print(rows[-1], notes[-1], flush=True)
    report(
        "fingers_alike",
        "Are two fingers of one person alike?",
        [
            (__doc__ or "").split("\n\n")[2].replace(" Writes benchmarks/results/fingers_alike.md.", ""),
            "Area under the ROC curve with its 95 % interval over blocks of people; 0.5 is chance.",
            table(["set", "pairs", "blocks", "all columns", *(label for _, label in SHOWN)], rows),
            "By family, alone, then with the acquisition conditions regressed out:",
            table(["set", *FAMILIES, *(f"{f}, conditions removed" for f in FAMILIES if f != "quality")], families),
            "Control: the label shuffled among the pairs of each block, median and range of ten draws:",
            table(["set", "AUC", "chance is in the range"], notes),
        ],
    )


if __name__ == "__main__":
    main()
