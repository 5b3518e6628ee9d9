"""Two fingers of one person seem alike: is it the ridges, or the day?

    python examples/two_fingers_of_one_person.py

Two simulated worlds. In the first, ridges are as broad as the person's other ridges, and the ink of each print is drawn
by chance. In the second, all people have ridges of one breadth, but each was taken on one day, with one amount of ink.
In both worlds a classifier recognises pairs of fingers of one person: in the first by the ridges, in the second by the
acquisition conditions. Three figures show which: conditions alone, ridges alone, and ridges with the conditions
regressed out.

Exercise: give people in the second world their own breadth as well. Which columns answer now, and can the page still
tell how much is due to which? Answer: both do, and "ridges, conditions removed" keeps the part of the ridges.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

import ridgefeat as rf
from ridgefeat import bench
from ridgefeat.bench.data import BLOCKS, pair_prints
from ridgefeat.synth import make_print

PEOPLE, FINGERS = 24, ("index", "middle", "ring")
FAMILIES = ["ridge", "quality"]
SHAPE = (260, 240)


def take_prints(people: int, own_breadth: float, own_ink: float) -> pd.DataFrame:
    """Return a table of prints; the shares of breadth (mm) and ink that belong to the person, not to the print."""
    rng = np.random.default_rng(3)
    rows = []
    for person in range(people):
        breadth, ink = 0.45 + own_breadth * rng.normal(), rng.uniform(0.35, 1)
        for number, finger in enumerate(FINGERS):
            share = own_ink * ink + (1 - own_ink) * rng.uniform(0.35, 1)
            period = float(np.clip(breadth + 0.01 * rng.normal(), 0.34, 0.6))
            image = make_print(100 * person + number, period_mm=period, shape=SHAPE).image
            inked = np.uint8(255 - share * (255.0 - image))
            values = rf.extract(rf.Fingerprint(inked, 500), FAMILIES)
            name = f"{person}_{finger}.png"
            rows.append({"meta_source": name, "subject": str(person), "finger": finger, **values})
    return pd.DataFrame(rows)


def compare_pairs(table: pd.DataFrame) -> dict[str, float]:
    """Return the area under the ROC curve of pairs: of conditions, of ridges, of ridges without the conditions."""
    about = {"columns": rf.feature_columns(FAMILIES).to_dict("records")}
    made, about = pair_prints(table, about, by="subject", group="subject")
    problem = bench.make_problem(made, about, target="same_subject", group=BLOCKS, positive="yes", kind="binary")
    found = bench.compare(problem, bench.Options(classifiers=("logistic",), jobs=1, samples=200)).confounds
    assert found is not None
    by_name = found.set_index("confound")["value"]
    names = {"conditions": "acquisition", "ridges": "ridges", "ridges alone": "ridges, acquisition removed"}
    return {name: float(by_name[key]) for name, key in names.items()}


def main(people: int = PEOPLE) -> dict[str, dict[str, float]]:
    """Return the figures of both worlds."""
    worlds = {"own ridges": (0.04, 0.0), "own day": (0.0, 1.0)}
    found = {}
    for name, (breadth, ink) in worlds.items():
        found[name] = compare_pairs(take_prints(people, breadth, ink))
        print(f"{name:11} AUC " + ", ".join(f"{key} {value:.2f}" for key, value in found[name].items()))
    print("In both worlds two fingers of one person seem alike; only in the first is it the ridges.")
    return found


if __name__ == "__main__":
    main()
