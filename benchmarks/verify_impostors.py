"""Count the non-mated scores that `ridgefeat identify` comes with.

    python benchmarks/verify_impostors.py

All comparisons of different fingers of FVC2002 DB1_B to DB4_B and FVC2004 DB1_B below RIDGEFEAT_DATA or .data/, within
each database; of prints, and of their minutiae alone. Writes ridgefeat/verify/impostors.json: scores and counts,
nothing of any print.
"""

from __future__ import annotations

import json

import numpy as np
from _common import ROOT, need

from ridgefeat.verify import Calibration, Entry, compare_all, enrol, find_sources, fvc, prepare, template_from_minutiae

SETS = ("FVC2002/DB1_B", "FVC2002/DB2_B", "FVC2002/DB3_B", "FVC2002/DB4_B", "FVC2004/DB1_B")
DATA = "FVC2002 DB1_B to DB4_B and FVC2004 DB1_B, different fingers of a database, {}; 45 fingers, 360 prints"


def main():
    found = {"ridges": [], "minutiae": []}
    for folder in SETS:
        entries = enrol(find_sources([need("FVC2002").parent / folder]))
        plan = fvc(entries, every_impostor=True)
        alone = [Entry(e.name, e.labels, prepare(template_from_minutiae(e.content.template.minutiae))) for e in entries]
        for kind, own in (("ridges", entries), ("minutiae", alone)):
            found[kind].append(np.round(compare_all(own, plan)[~plan.mated], 3))
    held = {}
    for kind, what in (("ridges", "images"), ("minutiae", "their minutiae alone")):
        made = Calibration.from_scores(np.concatenate(found[kind]), DATA.format(what))
        held[kind] = {
            "data": made.data,
            "comparisons": made.comparisons,
            "score": made.score.tolist(),
            "reached": made.reached.tolist(),
        }
        print(kind, made.comparisons, "highest", made.score[-1])
    path = ROOT / "ridgefeat" / "verify" / "impostors.json"
    path.write_text(json.dumps(held, separators=(",", ":")).replace('"minutiae"', '\n"minutiae"') + "\n", "utf-8")


if __name__ == "__main__":
    main()
