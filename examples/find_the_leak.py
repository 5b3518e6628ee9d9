"""
Find the leak
=============

A leak is information in a test set that should not be there. This lesson plants one, measures what it is worth, and
lets the audit find it.

**Question.** A split by person is said to be safe. Can a classifier that has learned nothing still score well on it?

It takes some 15 seconds: ``python examples/find_the_leak.py``.
"""

import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import ridgefeat as rf
from ridgefeat import audit, bench
from ridgefeat.synth import write_set

PEOPLE, FINGERS, COPIED = 20, 2, 10
FAMILIES = ["ridge", "orient", "minutiae"]
made = tempfile.TemporaryDirectory()
folder = Path(made.name)

# %%
# A label that nothing can predict
# --------------------------------
# Twenty simulated people draw lots: red or blue. No feature of a print can know the colour, so an honest balanced
# accuracy is about 0.5.

index = pd.read_csv(write_set(folder, PEOPLE * FINGERS, seed=5, fingers=FINGERS, sex_effect=0, shape=(300, 260)))
index = index.astype({"subject": str})
lot = np.random.default_rng(1).permutation(np.arange(PEOPLE) % 2)
index["colour"] = np.where(lot[pd.factorize(index["subject"])[0]], "red", "blue")

# %%
# The accident
# ------------
# It is common in real sets: a print of one person is filed again under the name of another, here one with the same
# label.

chance = np.random.default_rng(2)
filed = []
for row in chance.choice(len(index), COPIED, replace=False):
    source = index.loc[row]
    others = index[(index["colour"] == source["colour"]) & (index["subject"] != source["subject"])]
    name = f"again_{source['file']}"
    shutil.copy(folder / source["file"], folder / name)
    filed.append({**source, "file": name, "subject": chance.choice(others["subject"])})
pd.concat([index, pd.DataFrame(filed)], ignore_index=True).to_csv(folder / "index.csv", index=False)
table = rf.extract_many(folder, index=folder / "index.csv", families=FAMILIES)

# %%
# What the audit finds
# --------------------
# It compares pixels, not names.

found = audit.audit(table, target="colour", group="subject", images_root=folder)
for finding in found.findings[:3]:
    print(f"{finding.severity}: {finding.message}\n")
resolved, words = audit.resolve(table, found, "drop")
print(words)

# %%
# What the leak is worth
# ----------------------
# A nearest neighbour looks for the most similar print. For a copy, that is its original, which has the right label. The
# split by person does not help, because the copy bears another person's name.


def accuracy(table):
    """Return the balanced accuracy of a nearest neighbour, split by person."""
    options = bench.Options(classifiers=("knn",), folds=4, jobs=1, diagnose=False)
    about = {"columns": rf.feature_columns(FAMILIES).to_dict("records")}
    comparison = bench.compare(bench.make_problem(table, about, target="colour", group="subject"), options)
    return float(comparison.summary.loc[0, "balanced_accuracy"])


original = table[~table["meta_source"].str.startswith("again_")].reset_index(drop=True)
figures = {"clean": accuracy(original), "leaked": accuracy(table), "resolved": accuracy(resolved)}
for name, value in figures.items():
    print(f"{name:<8} {value:.2f}")

_, ax = plt.subplots(figsize=(6, 2.4), layout="constrained")
ax.barh(list(figures), list(figures.values()), color=["tab:blue", "tab:red", "tab:blue"])
ax.axvline(0.5, color="0.3", linestyle="--")
ax.set(xlim=(0, 1), xlabel="balanced accuracy (dashed: guessing)")
ax.invert_yaxis()
plt.show()

# %%
# Exercise
# --------
# 1. Ten of fifty prints are copies. How much can the leak be worth at most, if every copy and every copied print is
#    predicted correctly, and the others are guessed?
# 2. What happens if copies are filed under people of the *other* colour?

# %%
# Answer
# ------
# 1. Twenty prints are part of a pair. If these are right, and of the other thirty a half, the accuracy is 0.7. The
#    measured value is near to that, within the chance of so few people.
# 2. Then each copy votes for the wrong label, and the accuracy falls below guessing. A result that is clearly *worse*
#    than chance is a sign of a leak too.

pairs = 2 * COPIED
print(f"at most about {(pairs + (len(table) - pairs) / 2) / len(table):.2f}; measured {figures['leaked']:.2f}")
made.cleanup()
