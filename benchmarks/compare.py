"""Whether `ridgefeat compare` can be believed: simulated tables without and with an effect, then sex on SOCOFing.

python benchmarks/compare.py [TABLE.csv]: a feature table of SOCOFing's real prints, made by
`ridgefeat extract .data/SOCOFing/Real --families ridge,minutiae -o TABLE.csv`. Without it, only what is simulated.
Writes benchmarks/results/compare.md.
"""

from _common import report, table  # isort: skip

import sys
import time

import numpy as np
import pandas as pd

from ridgefeat.compare import compare_people, likelihood_ratio, make_people, read_people
from ridgefeat.compare.effects import hedges_g
from ridgefeat.report.page import interval, signed

SIZES, COLUMNS, EFFECT = (10, 40, 200), 30, 0.8
SETS, PRINT_SETS, HELD_SETS = 400, 100, 2000
FINGER_SD, PRINT_SD, SHARED = 1.0, 0.7, 0.5
ROWS, WIDE = 4200, 1069
PUBLISHED = (
    ("Gutiérrez-Redomero et al. 2008, Forensic Sci. Int. 180; 100 + 100 in Spain", "distal squares", "more in women"),
    ("the same", "proximal square", "no significant difference"),
    ("mjfmct.journals.ekb.eg/article_47279; 150 + 150 in Egypt", "5 mm square", "17.74 ± 1.63 against 15.02 ± 1.33"),
)
"""As their abstracts give it: ridges in 25 mm², women against men, mean and SD between people."""


def simulate(people: int, seed: int, effect: float = 0.0, columns: int = COLUMNS, prints: int = 4, shared=SHARED):
    """Return people whose columns hang together and differ by `effect` SD of what a person's mean shows.

    Everyone gives `prints` prints of ten fingers that differ, fingers drawn anew for each person.
    """
    rng = np.random.default_rng([seed, people])
    label = rng.permutation(np.arange(people) % 2)
    person = np.sqrt(shared) * rng.normal(size=(people, 1)) + np.sqrt(1 - shared) * rng.normal(size=(people, columns))
    person -= effect * np.sqrt(1 + PRINT_SD**2 / prints) * label[:, None]
    rows = np.repeat(np.arange(people), prints)
    finger = np.concatenate([rng.permutation(10)[:prints] for _ in range(people)])
    values = person[rows] + FINGER_SD * rng.normal(size=(10, columns))[finger]
    values += PRINT_SD * rng.normal(size=values.shape)
    names = [f"made_{k}" for k in range(columns)]
    frame = pd.DataFrame(values, columns=names)
    labels = {"subject": rows, "finger": finger.astype(str), "print": np.arange(len(rows))}
    labels["sex"] = np.array(["female", "male"], object)[label[rows]]
    return pd.concat([frame, pd.DataFrame(labels)], axis=1), {"columns": [{"name": n} for n in names]}, names


def has_discovery(people: int, seed: int, group: str) -> bool:
    """Return whether any column of a table without a difference is said to differ."""
    frame, about, names = simulate(people, seed)
    found = compare_people(make_people(frame, about, by="sex", group=group, columns=names), seed=seed)
    return bool((found.frame["q"] < 0.05).any())


def calibration() -> str:
    """Return how often nothing was found where there is nothing, and how often intervals held the truth."""
    rows: list[list[object]] = []
    for people in SIZES:
        held = []
        for part in range(5):  # five draws of who gave which finger; a column is a set
            frame, about, names = simulate(people, part, EFFECT, HELD_SETS // 5, shared=0)
            made = make_people(frame, about, by="sex", columns=names)
            _, (low, high) = hedges_g(*(made.values[made.label == k] for k in (0, 1)))
            held.append((low <= EFFECT) & (high >= EFFECT))
        false = np.mean([has_discovery(people, seed, "subject") for seed in range(SETS)])
        by_print = np.mean([has_discovery(people, seed, "print") for seed in range(PRINT_SETS)])
        rows.append([people, *(f"{100 * share:.1f} %" for share in (false, np.mean(held), by_print))])
        print(rows[-1], file=sys.stderr, flush=True)
    head = ["people", "sets with a false discovery", f"intervals that hold g = {EFFECT}", "false discovery per print"]
    return table(head, rows)


def speed() -> str:
    """Return how long a table of many columns takes."""
    frame, about, names = simulate(ROWS // 10, 0, EFFECT, WIDE, prints=10)
    began = time.perf_counter(), time.process_time()
    compare_people(make_people(frame, about, by="sex", columns=names))
    wall, cpu = (now - then for now, then in zip((time.perf_counter(), time.process_time()), began, strict=True))
    size = f"{ROWS:,} prints × {WIDE:,} columns"
    return (
        f"{size} that all differ, so that no permutation is spared: {wall:.1f} s, {cpu:.1f} s of a processor's time, "
        "without reading the table and drawing figures."
    )


def real(path: str) -> list[str]:
    """Return the table of sex on real prints, beside what was published, and by print instead of by person."""
    people = read_people(path, by="sex", columns=["*"])
    found, known = compare_people(people), compare_people(read_people(path, by="sex"))
    wrong = compare_people(read_people(path, by="sex", columns=["*"], group="meta_source"))
    rows: list[list[object]] = []
    for r in known.frame.to_dict("records"):
        means = [f"{signed(r[f'mean_{k}'])} ± {signed(r[f'sd_{k}'])}" for k in people.levels]
        effect = f"{signed(r['hedges_g'])} ({interval(r, 'hedges_g')})"
        difference = f"{signed(r['difference'])} ({interval(r, 'difference')})"
        icc = f"{r['icc']:.2f}" if r["icc"] == r["icc"] else "–"
        rows.append([r["column"], r["unit"], *means, difference, effect, f"{r['q']:.4f}", icc])
    counts = [
        [name, *(int((f.frame[k] < 0.05).sum()) for k in ("p", "q")), len(f.frame), int(f.frame["people"].max())]
        for name, f in (("person, finger's mean taken off", found), ("print (the mistake)", wrong))
    ]
    ratio = likelihood_ratio(people, "ridge_density_distal")
    sizes = [int((people.label == k).sum()) for k in (0, 1)]
    return [
        "## Sex on SOCOFing",
        f"{len(people.person):,} prints of {len(people)} people ({sizes[0]} female, {sizes[1]} male), per person, "
        "means ± SD between people. Nothing was tuned on them. Not every person's ten fingers show every square.",
        table(["column", "unit", "female", "male", "difference", "Hedges' g", "q", "ICC"], rows),
        "Published, in ridges per 25 mm², counted by people on inked prints: sign and size can be compared, the level "
        "hardly, since ours are counted by a program on prints of a sensor.",
        table(["source", "where", "women and men"], [list(r) for r in PUBLISHED]),
        "What is counted as an observation, over the columns of both families:",
        table(["unit", "p < 0.05", "q < 0.05", "columns", "observations"], counts),
        f"Likelihood ratio female to male by ridge_density_distal: {ratio.curve['ratio'].min():.2f} to "
        f"{ratio.curve['ratio'].max():.2f} between {ratio.support[0]:.1f} and {ratio.support[1]:.1f}. On held-out "
        f"people Cllr is {ratio.cost.cllr:.3f}, minimum {ratio.cost.min_cllr:.3f}; {ratio.refused} of "
        f"{sum(ratio.people)} people have no ratio.",
    ]


def main(path: str = "") -> None:
    report(
        "compare",
        "Groups of people compared",
        [
            f"Simulated tables: {SETS} sets of each size, {COLUMNS} columns that hang together (correlation "
            f"{SHARED:g}), 4 prints per person of other fingers each, fingers as far apart as people. A false "
            "discovery is any column with q < 0.05 where none differs. The interval of Hedges' g is that of "
            f"{HELD_SETS:,} columns with a g of {EFFECT}. Last: {PRINT_SETS} of the sets without a difference with "
            "prints taken for people.",
            calibration(),
            speed(),
            *(real(path) if path else []),
        ],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
