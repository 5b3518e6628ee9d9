"""Filters, feature maps, and the pixels that a prediction depends on: a small network on simulated prints.

    python examples/what_a_network_sees.py [folder]

The prints are simulated, with fine and with coarse ridges; the two-convolution network learns to distinguish them in
some seconds. Two pictures are written: the filters of the first convolution with their maps of a print, and the pixels
that the prediction depends on.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from ridgefeat.nn import Adam, Training, build, feature_maps, filters, gradient_map, occlusion_map
from ridgefeat.synth import make_print

SIDE, PERIODS_MM = 96, (0.40, 0.55)
SEED = 3


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    folder.mkdir(parents=True, exist_ok=True)

    print("1. Making prints of fine (0) and coarse (1) ridges ...", flush=True)
    x, y = cut(SEED)
    print(f"   {len(x)} squares of {SIDE} x {SIDE} px, from 8 simulated prints")

    print("2. Learning which is which:")
    model = build("two-block", (SIDE, SIDE, 1), seed=SEED)
    training = Training(model, Adam(0.0005), batch_size=16)
    training.run(x, y, 4, on_epoch=lambda epoch, line: print(f"   epoch {epoch}: {line['accuracy']:.0%} right"))

    print("3. Drawing:")
    image = x[np.flatnonzero(y == 1)[0]]
    p = model.predict_proba(image[None])[0, 1]
    print(f"   one print of coarse ridges; probability {p:.3f}")
    draw_filters(model, image, folder / "nn_filters.png")
    draw_maps(model, image, folder / "nn_maps.png")


def cut(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return squares from the middle of prints, as numbers around 0, and whether their ridges are coarse."""
    rng = np.random.default_rng(seed)
    squares, labels = [], []
    for k in range(8):
        made = make_print(seed + k, noise_level=0, period_mm=PERIODS_MM[k % 2], shape=(320, 320)).image
        for _ in range(24):
            top, left = rng.integers(60, 260 - SIDE, 2)
            squares.append(made[top : top + SIDE, left : left + SIDE])
            labels.append(k % 2)
    x = np.stack(squares)[..., None].astype(np.float32)
    return (x - x.mean()) / x.std(), np.array(labels)


def draw_filters(model, image: np.ndarray, path: Path) -> None:
    kernels, maps = filters(model)[..., 0], feature_maps(model, image)
    strongest = np.argsort(maps.std(axis=(0, 1)))[::-1][:8]
    figure, axes = plt.subplots(2, 8, figsize=(9.6, 2.5), dpi=80, layout="constrained")
    span = np.abs(kernels).max()
    for column, k in enumerate(strongest):
        axes[0, column].imshow(kernels[k], cmap="RdBu_r", vmin=-span, vmax=span)
        axes[1, column].imshow(maps[:, :, k], cmap="gray")
    save(figure, axes, path)


def draw_maps(model, image: np.ndarray, path: Path) -> None:
    falls, slope = occlusion_map(model, image, 1, window=16, step=4), gradient_map(model, image, 1)
    figure, axes = plt.subplots(1, 3, figsize=(7.6, 2.8), dpi=70, layout="constrained")
    axes[0].imshow(image[..., 0], cmap="gray")
    span = max(float(np.abs(falls).max()), 1e-6)
    axes[1].imshow(image[..., 0], cmap="gray")
    axes[1].imshow(falls, cmap="RdBu_r", vmin=-span, vmax=span, alpha=0.6)
    axes[2].imshow(slope, cmap="magma")
    for axis, title in zip(
        axes, ("the print", f"covered: falls by up to {span:.2g}", "slope of the log-odds"), strict=True
    ):
        axis.set_title(title, fontsize=9)
    save(figure, axes, path)


def save(figure, axes: np.ndarray, path: Path) -> None:
    for axis in np.ravel(axes):
        axis.axis("off")
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)
    print(f"   {path}")


if __name__ == "__main__":
    main()
