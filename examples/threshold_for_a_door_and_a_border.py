"""One set of scores, two thresholds: a door and a border.

    python examples/threshold_for_a_door_and_a_border.py

Comparisons of simulated fingers give scores. The threshold for a match is then a decision, not a property of the
comparator. At an office door impostors are rare, and a false reject is annoying. At a border a false accept is
expensive, and one traveller in a hundred may be an impostor. Costs and the prior share determine the threshold. Both
are chosen on some fingers and reported on others, with the number of errors that each rate rests on.
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import ridgefeat as rf
from ridgefeat.synth import write_set
from ridgefeat.verify import verify

FINGERS, IMPRESSIONS = 24, 3
PLACES = {
    "door": rf.threshold.Settings(prior=0.999, cost_false_accept=20, cost_false_reject=1),
    "border": rf.threshold.Settings(prior=0.99, cost_false_accept=2000, cost_false_reject=1),
}


def main(folder: Path, fingers: int = FINGERS) -> dict[str, float]:
    """Return the threshold of each place."""
    # The comparator of features, as in the study: that of minutiae makes no errors on prints like these.
    write_set(
        folder, fingers * IMPRESSIONS, seed=4, fingers=1, impressions=IMPRESSIONS, noise_level=1, shape=(260, 230)
    )
    names = r"sim(?P<subject>\d+)_.*_(?P<impression>\d+)\.png"
    table = verify(
        [folder], comparator="features", families=["ridge", "orient"], regex=names, every_impostor=True
    ).scores
    scores = rf.threshold.Scores.make(
        table["score"].fillna(-np.inf),
        table["mated"],
        subject_probe=table["subject_probe"],
        subject_reference=table["subject_reference"],
    )
    print(f"{int(table['mated'].sum())} mated and {int((1 - table['mated']).sum())} non-mated comparisons\n")
    chosen = {}
    for place, settings in PLACES.items():
        found = rf.threshold.analyse(scores, ["min-cost"], settings)
        row = found.thresholds().iloc[0]
        chosen[place] = float(row["threshold"])
        print(f"{place:<7} threshold {chosen[place]:.3f}   FAR {row['far']:.3%}   FRR {row['frr']:.3%}")
    if found.remarks:
        print("\nRemarks on these rates:")
        print("\n".join(f"- {remark}" for remark in found.remarks))
    return chosen


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        main(Path(made))
    sys.exit()
