"""
From pixels to minutiae
=======================

Minutiae are points where a ridge ends or forks. Programs find them in four steps: where is the print, which waves are
in it, where are the ridges' centre lines, and where do these lines end or fork? Each step is done by hand here, and
compared with what ridgefeat does and with the truth.

**Question.** Of all the points at which a thinned line ends or forks, how many are minutiae?

It takes a few seconds: ``python examples/from_pixels_to_minutiae.py``.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import binary_closing, binary_erosion, gaussian_filter
from scipy.signal import fftconvolve
from scipy.spatial import cKDTree
from skimage.filters import gabor_kernel
from skimage.morphology import skeletonize

import ridgefeat as rf

finger = rf.synth.make_master("right_loop", rng=8)
impression = rf.synth.make_impression(finger, rng=8, noise_level=2)
fp = rf.Fingerprint(impression.image, dpi=500)
truth = impression.truth


def show(panels, cmap="gray"):
    """Draw images in a row, with their titles, and return their axes."""
    _, axes = plt.subplots(1, len(panels), figsize=(11, 11 / len(panels) * 1.15), layout="constrained")
    for ax, (title, image) in zip(axes, panels.items(), strict=True):
        ax.imshow(image, cmap=cmap)
        ax.set_title(title)
        ax.axis("off")
    return axes


# %%
# 1. Segmentation: where is the print?
# ------------------------------------
# Ridges change from dark to light, paper does not. So the simplest rule is a threshold on the local standard deviation
# of grey values. The overlap with the truth is given as the Jaccard index: area in both divided by area in either.


def segment_by_hand(image, window=8, threshold=15):
    """Return where the local standard deviation of grey values exceeds the threshold."""
    image = image.astype(float)
    variance = gaussian_filter(image**2, window) - gaussian_filter(image, window) ** 2
    return binary_closing(np.sqrt(np.maximum(variance, 0)) > threshold, iterations=4)


def overlap(mask):
    """Return the Jaccard index with the true area."""
    return (mask & truth.mask).sum() / (mask | truth.mask).sum()


mask = segment_by_hand(fp.image)
print(f"overlap with the truth: by hand {overlap(mask):.3f}, ridgefeat {overlap(fp.mask):.3f}")
axes = show({"print": fp.image, "by hand": mask, "ridgefeat": fp.mask})
for ax in axes[1:]:
    ax.contour(truth.mask, [0.5], colors="tab:red")

# %%
# 2. Gabor responses: which waves are in it?
# ------------------------------------------
# A Gabor filter is a short piece of a wave. It responds where the print has waves of its length and orientation. The
# waves here are 9 px long. The first filter looks for ridges that run sideways (0°), the third for upright ones (90°).
# At each pixel, the filter that responds most gives the orientation.

degrees = np.arange(0, 180, 45)
normalised = (fp.image - fp.image[fp.mask].mean()) / fp.image[fp.mask].std()
# gabor_kernel takes the direction across the ridges, with y pointing down.
responses = [
    np.abs(fftconvolve(normalised, gabor_kernel(1 / 9, np.pi / 2 - np.radians(d), sigma_x=6, sigma_y=6), mode="same"))
    for d in degrees
]
show({f"ridges at {d}°": np.where(fp.mask, r, 0) for d, r in zip(degrees, responses, strict=True)}, cmap="magma")
difference = np.abs(np.radians(degrees)[np.argmax(responses, axis=0)] - truth.orientation.angle) % np.pi
nearest = np.minimum(difference, np.pi - difference)[fp.mask] <= np.radians(22.5)
print(f"the strongest of four filters is the one nearest to the true orientation in {nearest.mean():.0%} of the print")

# %%
# ridgefeat uses a bank of more orientations and several wavelengths. It then filters each place with the wave that
# belongs there. The result, ``fp.enhanced``, holds ridges alone: negative on ridges, positive in valleys.
#
# 3. Thinning, and 4. the crossing number
# ---------------------------------------
# Thinning reduces every ridge to a line one pixel wide. Then count how often the eight neighbours of a line's pixel
# change between line and background on the way around. Half of that is the *crossing number*: 1 where a line ends, 2
# along a line, 3 where it forks.

AROUND = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]


def ends_and_forks(skeleton):
    """Return x and y of the pixels whose crossing number is 1 or 3."""
    ring = [np.roll(skeleton, (-dy, -dx), axis=(0, 1)).astype(int) for dy, dx in AROUND]
    crossing = sum(np.abs(ring[i] - ring[i - 1]) for i in range(8)) // 2
    y, x = np.nonzero(skeleton & ((crossing == 1) | (crossing == 3)))
    return np.column_stack([x, y])


def score(points):
    """Return how many points there are, the share that are true minutiae, and the share of true ones found."""
    true = np.column_stack([truth.minutiae.x, truth.minutiae.y])
    near = cKDTree(true).query(points)[0] < 8 if len(points) else np.zeros(0)
    found = cKDTree(points).query(true)[0] < 8 if len(points) else np.zeros(1)
    return len(points), np.mean(near), np.mean(found)


skeleton = skeletonize((fp.enhanced < 0) & fp.mask)
every = ends_and_forks(skeleton)
# Every ridge ends at the border of the print. Those ends are not minutiae.
away = binary_erosion(fp.mask, iterations=10)
inner = every[away[every[:, 1], every[:, 0]]]
ours = np.column_stack([fp.minutiae.x, fp.minutiae.y])

candidates = {"all ends and forks": every, "away from the border": inner, "ridgefeat": ours}
print(f"{len(truth.minutiae)} true minutiae; a point is right within 8 px of one (0.4 mm)")
for name, points in candidates.items():
    count, right, found = score(points)
    print(f"{name:<21} {count:4d} points, {right:4.0%} of them right, {found:4.0%} of the true ones found")

axes = show({name: np.where(skeleton, 120, 255) for name in candidates})
for ax, points in zip(axes, candidates.values(), strict=True):
    ax.images[0].set_clim(0, 255)
    ax.plot(truth.minutiae.x, truth.minutiae.y, "o", mfc="none", color="tab:green", ms=9, label="true")
    ax.plot(*points.T, ".", color="tab:red", ms=5, label="found")
axes[0].legend(loc="lower left")
plt.show()

# %%
# So the answer to the question: without further thought, most of these points are where the print is cut off.
#
# Exercise
# --------
# Step 2 seems to be a detour. Leave it out: threshold the blurred print itself at its local mean, thin it, and count
# ends and forks away from the border. How many of the points are minutiae now?

# %%
# Answer
# ------
# Noise, pores and breaks of the ink become ends, forks and bridges. Nearly all true minutiae are still among the
# points, but most points are none. Enhancement removes what does not look like a wave, and most false points with it.

blurred = gaussian_filter(fp.image.astype(float), 1)
raw = skeletonize((blurred < gaussian_filter(blurred, 8)) & fp.mask)
points = ends_and_forks(raw)
points = points[away[points[:, 1], points[:, 0]]]
count, right, found = without_waves = score(points)
print(f"without step 2: {count} points, {right:.0%} of them right, {found:.0%} of the true ones found")
axes = show({"thinned without step 2": raw, "thinned after step 2": skeleton}, cmap="gray_r")
for ax in axes:
    ax.set(xlim=(100, 260), ylim=(280, 120))
plt.show()
