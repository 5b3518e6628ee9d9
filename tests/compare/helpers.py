"""Made-up tables with a known difference between groups of people."""

import numpy as np
import pandas as pd

from ridgefeat.compare import make_people

NAMES = ("ridge_made_0", "ridge_made_1", "ridge_made_2", "minutiae_made_3")
FINGERS = ("index", "little", "thumb")
FINGER_EFFECT = np.array([0.0, 5.0, -8.0])
ABOUT = {"columns": [{"name": n, "unit": "mm", "meaning": f"what <{n}> is"} for n in NAMES]}


def make_frame(people=40, prints=3, effect=1.0, seed=0, levels=("female", "male")):
    """People with a label `sex`; the first column differs by `effect` SD of people from level to level."""
    rng = np.random.default_rng(seed)
    level = np.arange(people) % len(levels)
    person = rng.normal(size=(people, len(NAMES)))
    person[:, 0] += effect * level
    rows, finger = np.repeat(np.arange(people), prints), np.tile(np.arange(prints), people) % len(FINGERS)
    values = person[rows] + 0.5 * rng.normal(size=(len(rows), len(NAMES))) + FINGER_EFFECT[finger][:, None]
    frame = pd.DataFrame(values.astype(np.float32), columns=NAMES)
    frame["meta_source"], frame["meta_error"] = [f"{i}.png" for i in range(len(rows))], None
    frame["subject"], frame["sex"] = rows, np.array(levels, object)[level[rows]]
    frame["finger"], frame["age"] = np.array(FINGERS, object)[finger], 20 + 7.5 * person[rows, 1]
    return frame


def people_of(frame, by="sex", **given):
    return make_people(frame, ABOUT, **{"by": by, "columns": NAMES} | given)
