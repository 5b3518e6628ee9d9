"""Count the non-mated scores that `ridgefeat identify` comes with, and fit the odds of its probabilities.

    python benchmarks/verify_impostors.py

All comparisons of different fingers of FVC2002 DB1_B to DB4_B and FVC2004 DB1_B below RIDGEFEAT_DATA or .data/, within
each database; of prints, and of their minutiae alone; and the highest score of all readings of each print of Latent
with the clean prints there. Writes ridgefeat/verify/impostors.json: scores, counts and the coefficients of the
log-likelihood ratio, nothing of any print.
"""

from __future__ import annotations

import json

import numpy as np
from _common import ROOT, need
from latents import enrolled, fingers, latent_calibration, search

from ridgefeat.verify import Calibration, Entry, compare_all, enrol, find_sources, fvc, prepare, template_from_minutiae

SETS = ("FVC2002/DB1_B", "FVC2002/DB2_B", "FVC2002/DB3_B", "FVC2002/DB4_B", "FVC2004/DB1_B")
DATA = "FVC2002 DB1_B to DB4_B and FVC2004 DB1_B, different fingers of a database, {}; 45 fingers, 360 prints"


def main():
    found, mated = {"ridges": [], "minutiae": []}, {"ridges": [], "minutiae": []}
    for folder in SETS:
        entries = enrol(find_sources([need("FVC2002").parent / folder]))
        plan = fvc(entries, every_impostor=True)
        alone = [Entry(e.name, e.labels, prepare(template_from_minutiae(e.content.template.minutiae))) for e in entries]
        for kind, own in (("ridges", entries), ("minutiae", alone)):
            scores = compare_all(own, plan)
            found[kind].append(np.round(scores[~plan.mated], 3))
            mated[kind].append(scores[plan.mated])
    made, held = {}, {}
    for kind, what in (("ridges", "images"), ("minutiae", "their minutiae alone")):
        known = [np.concatenate(v[kind]) for v in (found, mated)]
        made[kind] = Calibration.from_scores(known[0], DATA.format(what), mated=known[1])
    subjects, _ = fingers()
    made["latents"] = latent_calibration(
        search(enrolled(subjects, "latent", "png"), enrolled(subjects, "clean", "png"))[1]
    )
    for kind, one in made.items():
        held[kind] = {
            "data": one.data,
            "comparisons": one.comparisons,
            "score": one.score.tolist(),
            "reached": one.reached.tolist(),
            "odds": [round(v, 5) for v in one.odds],
        }
        print(kind, one.comparisons, "highest", one.score[-1])
    path = ROOT / "ridgefeat" / "verify" / "impostors.json"
    path.write_text(json.dumps(held, separators=(",", ":")).replace('},"', '},\n"') + "\n", "utf-8")


if __name__ == "__main__":
    main()
