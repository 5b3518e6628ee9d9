"""
Choose a threshold: a door and a border
=======================================

A comparator gives a score. From which score on is it a match? That is a decision, not a property of the comparator.

**Question.** The same scores are used at an office door and at a border. Should both have the same threshold?

It takes some 10 seconds: ``python examples/threshold_for_a_door_and_a_border.py``.
"""

import os
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")

import matplotlib.pyplot as plt
import numpy as np

import ridgefeat as rf
from ridgefeat.synth import write_set
from ridgefeat.verify import verify

FINGERS, IMPRESSIONS = 20, 3

# %%
# Scores
# ------
# Each simulated finger is pressed three times, and every print is compared with every other. The comparator is the weak
# one, of features: the one of minutiae makes no errors on prints like these, and there would be nothing to decide.

with tempfile.TemporaryDirectory() as folder:
    write_set(
        folder, FINGERS * IMPRESSIONS, seed=4, fingers=1, impressions=IMPRESSIONS, noise_level=1, shape=(260, 230)
    )
    names = r"sim(?P<subject>\d+)_.*_(?P<impression>\d+)\.png"
    families = ["ridge", "orient"]
    table = verify([folder], comparator="features", families=families, regex=names, every_impostor=True).scores
people = {name: table[name] for name in ("subject_probe", "subject_reference")}
scores = rf.threshold.Scores.make(table["score"].fillna(-np.inf), table["mated"], **people)
mated = table["mated"] == 1
print(f"{mated.sum()} mated and {(~mated).sum()} non-mated comparisons")

# %%
# Two places
# ----------
# At the door, impostors are rare (1 in 1,000). To let one in costs 20 times as much as to turn a colleague away. At the
# border, one traveller in a hundred may be an impostor, and to let one in costs 2,000 times as much as a second look.
# Each threshold is chosen on some people to minimise the expected cost, and its rates are reported on others.

places = {
    "door": rf.threshold.Settings(prior=0.999, cost_false_accept=20, cost_false_reject=1),
    "border": rf.threshold.Settings(prior=0.99, cost_false_accept=2000, cost_false_reject=1),
}
chosen = {}
for place, settings in places.items():
    found = rf.threshold.analyse(scores, ["min-cost"], settings)
    row = found.thresholds().iloc[0]
    chosen[place] = float(row["threshold"])
    print(f"{place:<7} threshold {chosen[place]:.3f}   FAR {row['far']:.3%}   FRR {row['frr']:.3%}")
print("\nRemarks on these rates:", *found.remarks, sep="\n- ")

# %%
# The picture
# -----------
# Moving the line to the right turns away impostors (grey) and owners (blue). There is no place without errors.

_, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
for which, colour, name in ((~mated, "0.7", "different fingers"), (mated, "tab:blue", "the same finger")):
    ax.hist(table["score"][which], bins=40, density=True, color=colour, alpha=0.8, label=name)
for (place, threshold), style in zip(chosen.items(), ("--", "-"), strict=True):
    ax.axvline(threshold, color="tab:red", linestyle=style, label=place)
ax.set(xlabel="score", ylabel="density")
ax.legend()
plt.show()

# %%
# Exercise
# --------
# The expected cost of an attempt is the sum of two parts: ``prior × FRR × cost of a false reject`` and
# ``(1 - prior) × FAR × cost of a false accept``.
# The prior is the share of owners among those who try. Where would the door's threshold be with the price of the border
# but the door's prior? Compute the ratio of the two weights first, for all three cases.

# %%
# Answer
# ------
# Only the ratio of the weights matters: how many false rejects one false accept is worth at this place. With the price
# of the border, impostors at the door weigh a hundred times as much as before, and its threshold moves to the right.

places["door, dear"] = rf.threshold.Settings(prior=0.999, cost_false_accept=2000, cost_false_reject=1)
for place, s in places.items():
    ratio = (1 - s.prior) * s.cost_false_accept / (s.prior * s.cost_false_reject)
    threshold = rf.threshold.analyse(scores, ["min-cost"], s).thresholds().iloc[0]["threshold"]
    print(f"{place:<11} FAR weighs {ratio:6.2f} times as much as FRR: threshold {threshold:.3f}")
