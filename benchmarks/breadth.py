"""Ridge breadth against the size of the print and sex.

    python benchmarks/breadth.py [--table SOCOFing.parquet]

Per person of SOCOFing: means over the fingers, each finger's mean taken off. The slopes are those of least squares;
intervals are a bootstrap over people. Height and width of a print depend on how much of the finger was put down, so
that they stand for the size of the person only in part. Writes benchmarks/results/breadth.md.
"""

from _common import need, report, table  # isort: skip

import argparse

import numpy as np

from ridgefeat.bench import load
from ridgefeat.table import extract_many

WANTED = ["ridge_period_mean", "ridge_height", "ridge_width", "ridge_area"]
SAMPLES = 2000
PUBLISHED = [
    [
        "Mundorff, Bartelink and Murad 2014, J. Forensic Sci. 59; scribd.com/document/660290621",
        "500 people; breadth of ten ridges",
        "sexes differ (p < 0.001); breadth correlates with weight and stature",
    ],
    [
        "Sharma and others; mattioli1885journals.com/index.php/actabiomedica/article/view/13548",
        "250 + 250 in India; ridge density",
        "sexes differ on all fingers; both sexes together, density correlates with hand breadth",
    ],
    [
        "Song and others 2022, Acta Anthropologica Sinica 41; anthropol.ac.cn/EN/10.16359/j.1000-3193/AAS.2021.0088",
        "1,510 right thumbs; breadth and density",
        "both correlate with age; the regression does not predict age well",
    ],
]
"""What the stored text of these pages says, and no more."""


def slopes(x, y, rng):
    """Return slopes with 95 % intervals over rows, and the share of the variance that they explain."""
    design = np.column_stack([np.ones(len(x)), x])
    found = np.linalg.lstsq(design, y, rcond=None)[0]
    drawn = []
    for _ in range(SAMPLES):
        rows = rng.integers(0, len(y), len(y))
        drawn.append(np.linalg.lstsq(design[rows], y[rows], rcond=None)[0])
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    explained = 1 - np.var(y - design @ found) / np.var(y)
    return [(found[k], low[k], high[k]) for k in range(1, len(found))], explained


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", help="a table of extract, so that prints are not read again")
    given = parser.parse_args()
    frame = (
        load(given.table)[0] if given.table else extract_many([need("SOCOFing/Real")], families=["ridge"], jobs=None)
    )
    frame = frame[frame[WANTED].notna().all(axis=1)]
    overall = frame[WANTED].mean()
    by_finger = frame.groupby(["hand", "finger"])[WANTED].transform("mean")
    people = (frame[WANTED] - by_finger + overall).groupby(frame["subject"]).mean()
    male = (frame.groupby("subject")["sex"].first().loc[people.index] == "male").to_numpy(float)
    rng = np.random.default_rng(0)
    breadth = 1000 * people["ridge_period_mean"].to_numpy()
    size = {name: people[f"ridge_{name}"].to_numpy() for name in ("height", "width")}
    models = {
        "sex": [male],
        "height": [size["height"]],
        "width": [size["width"]],
        "height, sex": [size["height"], male],
        "width, sex": [size["width"], male],
    }
    rows = []
    for name, columns in models.items():
        found, explained = slopes(np.column_stack(columns), breadth, rng)
        cells = dict.fromkeys(("height", "width", "sex"), "")
        for label, (value, low, high) in zip(name.split(", "), found, strict=True):
            cells[label] = f"{value:+.1f} ({low:+.1f} to {high:+.1f})"
        rows.append([name, *cells.values(), f"{100 * explained:.1f}"])
    sexes = [f"{breadth[male == k].mean():.0f} ± {breadth[male == k].std(ddof=1):.0f} µm" for k in (0, 1)]
    report(
        "breadth",
        "Ridge breadth against the size of the print and sex",
        [
            (__doc__ or "").split("\n\n")[2].replace(" Writes benchmarks/results/breadth.md.", ""),
            f"{len(people)} people, {int(male.sum())} men. Ridge breadth is the period, ridge and valley together: "
            f"women {sexes[0]}, men {sexes[1]} (mean and standard deviation of people).",
            table(
                ["model", "µm per mm of height", "µm per mm of width", "men less women, µm", "variance explained, %"],
                rows,
            ),
            "## Published",
            "Only abstracts could be read. They agree that the sexes differ, and none gives a slope of ridge breadth "
            "against stature or age, so ours has none to be compared with. SOCOFing has neither stature nor age.",
            table(["source", "measured", "found"], PUBLISHED),
        ],
    )


if __name__ == "__main__":
    main()
