"""
Counting ridges by hand
=======================

Since Acree (1999), forensic studies count the ridges along the diagonal of a square of 5 mm × 5 mm. The columns
``ridge_density_*`` hold this count. Here you count yourself, on the grey values along the diagonal, and compare.

**Question.** How far apart are two honest counts of the same square?

It takes a few seconds: ``python examples/count_the_ridges.py``.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.signal import find_peaks

import ridgefeat as rf

MM_PER_PX = 25.4 / 500  # at 500 dpi
SIDE = 5 / MM_PER_PX

finger = rf.synth.make_master("left_loop", rng=0, period_mm=0.45)
fp = rf.Fingerprint(rf.synth.make_impression(finger, rng=0, noise_level=1).image, dpi=500)

# %%
# The squares
# -----------
# Two squares lie above the core, to its left and right: their centres are 3 mm to the side and 3 mm up. If the hand is
# known they are called radial (the thumb's side) and ulnar. A third lies 6 mm below the core and is called proximal.

core = fp.singular_points.cores
x0, y0 = core.x[0], core.y[0]  # the upper one, where there are two
off = 3 / MM_PER_PX
centres = {"left": (x0 - off, y0 - off), "right": (x0 + off, y0 - off), "proximal": (x0, y0 + 2 * off)}


def along_diagonal(image, centre, rising):
    """Return x, y and the grey values along a diagonal of the square, one per pixel."""
    t = np.linspace(-SIDE / 2, SIDE / 2, 142)
    x, y = centre[0] + t, centre[1] - t if rising else centre[1] + t
    return x, y, map_coordinates(image, [y, x], order=1)


# %%
# The count
# ---------
# Ridges are dark, so each is a minimum of the grey values along the line. A light blur removes pores and grain.
# ``prominence`` is how much darker than its surroundings a ridge must be. The count is that of the diagonal which
# crosses more ridges, because a diagonal that runs along the ridges crosses few.

blurred = gaussian_filter(fp.image.astype(float), 1.5)


def count_by_hand(centre, rising, prominence=15):
    """Return where along the diagonal the ridges are, and the line's grey values."""
    x, y, grey = along_diagonal(blurred, centre, rising)
    at, _ = find_peaks(-grey, prominence=prominence)
    return x[at], y[at], at, grey


row = rf.extract(fp, ["ridge"])
rows = []
for name, centre in centres.items():
    counts = [len(count_by_hand(centre, rising)[2]) for rising in (True, False)]
    rows.append([name, *counts, max(counts), row[f"ridge_density_{name}"]])
counted = pd.DataFrame(rows, columns=["square", "rising", "falling", "by hand", "ridgefeat"]).set_index("square")
print(counted.round(1).to_string())

# %%
# ridgefeat counts on the enhanced print, in halves: a ridge cut off by the end of the line counts as half a ridge.
# Where part of a diagonal lies outside the print, it divides by the visible part.

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained", width_ratios=[1, 1.3])
left.imshow(fp.image, cmap="gray")
left.plot(x0, y0, "*", color="tab:red", ms=12)
for name, centre in centres.items():
    left.add_patch(plt.Rectangle((centre[0] - SIDE / 2, centre[1] - SIDE / 2), SIDE, SIDE, fill=False, ec="tab:red"))
    best = max((True, False), key=lambda rising: len(count_by_hand(centre, rising)[2]))
    x, y, at, grey = count_by_hand(centre, best)
    left.plot(x, y, ".", color="tab:orange", ms=6)
    label = {"color": "white", "backgroundcolor": "tab:red", "ha": "center", "va": "center", "fontsize": 9}
    left.text(centre[0], centre[1] - SIDE / 2, f"{name}: {len(at)}", label)
    if name == "left":
        mm = np.arange(len(grey)) * np.sqrt(2) * 5 / 141
        right.plot(mm, grey, color="0.3")
        right.plot(mm[at], grey[at], "o", color="tab:orange")
        right.set(title=f"left square: {len(at)} ridges", xlabel="mm along the diagonal", ylabel="grey value")
left.axis("off")
plt.show()

# %%
# Exercise
# --------
# 1. The diagonal is 5 mm × √2 = 7.07 mm long, and the ridges of this finger are 0.45 mm apart above the core. How many
#    ridges does a line cross that runs straight across them? Why are the counts lower?
# 2. Let ``prominence`` be 5, and then 60, as two examiners might who disagree on what a ridge is. How far apart are
#    their counts?

# %%
# Answer
# ------
# At most 7.07 / 0.45 = 15.7. A line at an angle to the normal of the ridges crosses fewer: with the cosine of that
# angle, so at 30° it is 13.6. The count mixes how fine the ridges are with how they run. The column
# ``ridge_density_line`` does not: it is 10 mm divided by the mean period.

print(f"straight across: {5 * np.sqrt(2) / 0.45:.1f} ridges per diagonal; at 30° {5 * np.sqrt(2) / 0.45 * 0.866:.1f}")
print(f"ridge_density_line: {row['ridge_density_line']:.1f} ridges/cm; 10 mm / 0.45 mm = {10 / 0.45:.1f}\n")

examiners = pd.DataFrame(
    {
        f"prominence {p}": {
            name: max(len(count_by_hand(centre, r, p)[2]) for r in (True, False)) for name, centre in centres.items()
        }
        for p in (5, 15, 60)
    }
)
print(examiners.to_string())

# %%
# Two honest counts of a square are up to one ridge apart, on a print as good as this. Acree's means of women and men
# are about two ridges apart. So a difference between two studies can be one between two examiners. Compare groups by
# one rule that is applied to every print, and report its repeatability: ``ridgefeat features`` gives it.
