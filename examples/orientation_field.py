"""
Which way do the ridges run?
============================

A print is a picture of nearly parallel lines. Their direction at every pixel, the *orientation field*, is what most
other steps rest on. This lesson computes it in four lines of NumPy and measures the error in degrees.

**Question.** Why can the average of 1° and 179° not be 90°, and what is done about it?

It takes a few seconds: ``python examples/orientation_field.py``.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter

import ridgefeat as rf

# %%
# A print whose true orientation is known
# ---------------------------------------
# A simulated finger is pressed on a sensor. Because the finger was made, its orientation is known at every pixel.

finger = rf.synth.make_master("left_loop", rng=3)
impression = rf.synth.make_impression(finger, rng=3, noise_level=3)
fp = rf.Fingerprint(impression.image, dpi=500)
truth, inside = impression.truth.orientation.angle, impression.truth.mask & fp.mask


def draw_lines(ax, image, angle, mask, step=12):
    """Draw a short line along the ridges at every twelfth pixel of the mask."""
    y, x = (p[mask[::step, ::step]] for p in np.mgrid[: mask.shape[0] : step, : mask.shape[1] : step])
    across, down = np.cos(angle[y, x]), -np.sin(angle[y, x])  # y points down, angles turn counter-clockwise
    ax.imshow(image, cmap="gray", alpha=0.4)
    bars = {"headwidth": 0, "headlength": 0, "headaxislength": 0, "width": 0.008, "scale": 26}
    ax.quiver(x, y, across, down, angles="xy", color="tab:red", pivot="mid", **bars)
    ax.axis("off")


# %%
# By hand: gradients, and doubled angles
# --------------------------------------
# Grey values change fastest *across* the ridges, so the gradient gives the direction. But on the left flank of a ridge
# it points one way and on the right flank the other way, 180° apart: their mean is zero. The same problem in degrees:
# 1° and 179° are almost the same orientation, and yet their mean is 90°.
#
# The remedy is to double the angle before averaging. 1° and 179° become 2° and 358°, whose mean is 0°. As a complex
# number, doubling an angle is squaring. This is the structure tensor of Kass and Witkin (1987).


def orientation_by_hand(image, smoothing):
    """Return the orientation along the ridges in radians, 0 to pi."""
    down, across = np.gradient(image.astype(float))
    squared = (across - 1j * down) ** 2
    mean = gaussian_filter(squared.real, smoothing) + 1j * gaussian_filter(squared.imag, smoothing)
    return (np.angle(mean) / 2 + np.pi / 2) % np.pi


def error_in_degrees(angle):
    """Return the difference from the truth at every pixel, 0 to 90 degrees."""
    difference = np.abs(angle - truth) % np.pi
    return np.degrees(np.minimum(difference, np.pi - difference))


by_hand = orientation_by_hand(fp.image, smoothing=8)
errors = {
    "gradients, by hand": error_in_degrees(by_hand),
    "ridgefeat (Gabor bank)": error_in_degrees(fp.orientation.angle),
}
for name, error in errors.items():
    print(f"{name:<23} median {np.median(error[inside]):.1f}°, above 15° in {(error[inside] > 15).mean():.1%}")

# %%
# Where are the errors?
# ---------------------
# Left: lines by hand. Middle and right: the error of each method in degrees. Errors are not spread evenly: they lie at
# the core, where the field turns fastest, at creases and at the border.

figure, axes = plt.subplots(1, 3, figsize=(11, 4.2), layout="constrained")
draw_lines(axes[0], fp.image, by_hand, inside)
axes[0].set_title("orientation, by hand")
for ax, (name, error) in zip(axes[1:], errors.items(), strict=True):
    shown = ax.imshow(np.where(inside, error, np.nan), cmap="magma_r", vmin=0, vmax=30)
    ax.set_title(name)
    ax.axis("off")
figure.colorbar(shown, ax=axes[1:], label="error, degrees", shrink=0.8)
plt.show()

# %%
# Exercise
# --------
# ``smoothing`` is the width of the average in pixels. Ridges are about 9 px apart. What happens to the error if you
# average over 2 px, and over 32 px? Guess both, and where on the print each error lies, before you read on.

# %%
# Answer
# ------
# A narrow average sees less than one ridge and follows the noise, all over the print. A wide one mixes ridges that run
# in different directions, and fails where they turn: at the core and the delta. The best width lies between.

widths = [2, 4, 8, 12, 16, 32]
medians, gross = [], []
for width in widths:
    error = error_in_degrees(orientation_by_hand(fp.image, width))[inside]
    medians.append(np.median(error))
    gross.append(100 * (error > 15).mean())
    print(f"smoothing {width:2d} px: median {medians[-1]:4.1f}°, above 15° in {gross[-1]:4.1f} % of the print")

figure, axes = plt.subplots(1, 3, figsize=(11, 4.2), layout="constrained")
for ax, width in zip(axes, (2, 32), strict=False):
    draw_lines(ax, fp.image, orientation_by_hand(fp.image, width), inside)
    ax.set_title(f"smoothing {width} px")
axes[2].plot(widths, gross, "o-", label="above 15°, % of the print")
axes[2].plot(widths, medians, "s--", label="median, degrees")
axes[2].set(xscale="log", xlabel="smoothing, px", ylim=(0, None), xticks=widths, xticklabels=widths)
axes[2].minorticks_off()
axes[2].legend()
plt.show()
