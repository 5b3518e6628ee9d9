"""Draw what each family measures, on a simulated print: docs/images/family_*.png; one value: explain.png; phantoms.png.

    make pictures

One function a family. What is drawn is taken from the functions that compute the columns, so that picture and number
cannot part.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

import ridgefeat as rf
from ridgefeat.features import zones
from ridgefeat.features.quality import nfiq2
from ridgefeat.features.quality.blocks import inner_blocks, without_frame
from ridgefeat.features.ridge import count_ridges
from ridgefeat.features.texture import lbp
from ridgefeat.reference import make_phantoms
from ridgefeat.structure import ENDING, MM_PER_PX
from ridgefeat.synth import make_impression, make_master

FOLDER = Path(__file__).resolve().parent / "images"
SEED = 7
BLUE, ORANGE, GREEN, PINK = "#0072b2", "#d55e00", "#009e73", "#cc79a7"


def example() -> rf.Fingerprint:
    """Return the right-hand print that all pictures show."""
    master = make_master("right_loop", rng=np.random.default_rng(SEED), period_mm=0.46)
    impression = make_impression(master, rng=np.random.default_rng(SEED + 1), noise_level=1)
    return rf.Fingerprint(impression.image, dpi=impression.dpi, hand="right")


def sheet(name: str, *drawings: tuple[str, Callable[[Axes], None]]) -> None:
    """Draw panels side by side and write them."""
    figure, axes = plt.subplots(1, len(drawings), figsize=(4.1 * len(drawings), 4.6), layout="constrained")
    for ax, (title, draw) in zip(axes, drawings, strict=True):
        draw(ax)
        ax.set_title(title, fontsize=11)
    figure.savefig(FOLDER / f"family_{name}.png", dpi=80, metadata={"Software": None})
    plt.close(figure)


def bare(ax: Axes, image: np.ndarray, **options: object) -> matplotlib.image.AxesImage:
    """Show an image without axes."""
    ax.set_axis_off()
    return ax.imshow(image, **{"cmap": "gray", "interpolation": "nearest", **options})


def field(ax: Axes, fp: rf.Fingerprint, values: np.ndarray, unit: str, **options: object) -> None:
    """Show a map inside the mask over the faint print, with its scale."""
    bare(ax, fp.image, alpha=0.35)
    shown = ax.imshow(np.ma.masked_array(values, ~fp.mask), alpha=0.85, **{"cmap": "viridis", **options})
    ax.figure.colorbar(shown, ax=ax, shrink=0.7, label=unit)


def ridge(fp: rf.Fingerprint) -> None:
    """Period, the forensic squares with their counts, and breadth."""

    def squares(ax: Axes) -> None:
        bare(ax, fp.image)
        x0, y0 = zones.reference(fp)
        off, half = 3 / MM_PER_PX, 2.5 / MM_PER_PX
        x = np.array([x0 - off, x0 + off, x0], np.float32)
        y = np.array([y0 - off, y0 - off, y0 + 2 * off], np.float32)
        counts = count_ridges(fp.enhanced, fp.mask, x, y)
        names = ("radial", "ulnar", "proximal")
        for cx, cy, count, name, colour in zip(x, y, counts, names, (BLUE, ORANGE, GREEN), strict=True):
            ax.add_patch(Rectangle((cx - half, cy - half), 2 * half, 2 * half, fill=False, ec=colour, lw=2))
            for sign in (-1, 1):
                ax.plot([cx - half, cx + half], [cy - sign * half, cy + sign * half], color=colour, lw=0.8)
            label = f"{name} {count:.0f}" if np.isfinite(count) else f"{name}: not seen"
            box = {"fc": "white", "ec": "none", "pad": 1, "alpha": 0.8}
            ax.text(cx, cy - half - 6, label, color=colour, ha="center", fontsize=10, weight="bold", bbox=box)
        ax.plot(x0, y0, "+", color=PINK, ms=14, mew=3)

    share = fp.ink.share
    local = np.kron(share, np.ones((4, 4)))[: fp.mask.shape[0], : fp.mask.shape[1]]
    sheet(
        "ridge",
        ("ridge_period_…", lambda ax: field(ax, fp, fp.period * MM_PER_PX, "ridge period, mm")),
        ("ridge_density_…: ridges on the diagonal", squares),
        ("ridge_breadth_…", lambda ax: field(ax, fp, local * fp.period * MM_PER_PX, "breadth, mm")),
    )


def orient(fp: rf.Fingerprint) -> None:
    """Field, coherence, and the flow's histogram."""

    def lines(ax: Axes) -> None:
        bare(ax, fp.image, alpha=0.4)
        y, x = np.mgrid[8 : fp.mask.shape[0] : 16, 8 : fp.mask.shape[1] : 16]
        inside = fp.mask[y, x]
        x, y = x[inside], y[inside]
        angle = fp.orientation.angle[y, x]
        dx, dy = 6 * np.cos(angle), -6 * np.sin(angle)
        ax.plot([x - dx, x + dx], [y - dy, y + dy], color=BLUE, lw=1.4)
        for kind, colour, mark in (("cores", PINK, "o"), ("deltas", ORANGE, "^")):
            points = getattr(fp.singular_points, kind)
            ax.plot(points.x, points.y, mark, color=colour, mfc="none", ms=12, mew=2.5, label=kind[:-1])
        ax.legend(loc="lower right", fontsize=9)

    def histogram(ax: Axes) -> None:
        angle = np.rad2deg(fp.orientation.angle[fp.mask])
        ax.hist(angle, bins=12, range=(0, 180), weights=np.full(angle.size, 1 / angle.size), color=BLUE, ec="white")
        ax.set(xlabel="orientation, degrees", ylabel="share of the print", xticks=range(0, 181, 45))

    sheet(
        "orient",
        ("orientation, core and delta", lines),
        ("orient_coherence_…", lambda ax: field(ax, fp, fp.orientation.coherence, "coherence", vmin=0, vmax=1)),
        ("orient_flow_…", histogram),
    )


def gabor(fp: rf.Fingerprint) -> None:
    """Two responses, and the whole bank's means."""
    row = rf.extract(fp, families=["gabor"])
    names = [c for c in row.index if c.startswith("gabor_w") and c.endswith("_mean") and "_a" in c and "_r" not in c]
    waves = sorted({name.split("_")[1] for name in names})
    means = np.array([[row[n] for n in names if n.split("_")[1] == w] for w in waves])

    def bank(ax: Axes) -> None:
        shown = ax.imshow(means, cmap="viridis", aspect="auto")
        ax.set_yticks(range(len(waves)), [f"{int(w[1:]) / 100:.2f} mm" for w in waves])
        ax.set_xticks(range(8), [f"{22.5 * k:g}°" for k in range(8)], fontsize=8)
        ax.figure.colorbar(shown, ax=ax, shrink=0.7, label="mean response, sd")

    orientations = np.rad2deg(fp.gabor.orientations)
    half = orientations.size // 2

    def response(ax: Axes, number: int) -> None:
        bare(ax, fp.image, alpha=0.3)
        rows, columns = fp.mask.shape
        ax.imshow(fp.gabor.magnitude[:, number].max(0), cmap="magma", alpha=0.75, extent=(0, columns, rows, 0))

    sheet(
        "gabor",
        ("filters along 0°", lambda ax: response(ax, 0)),
        (f"filters along {orientations[half]:.0f}°", lambda ax: response(ax, half)),
        ("gabor_w…_a…_mean", bank),
    )


def minutiae(fp: rf.Fingerprint) -> None:
    """Minutiae, their quality, and the directions."""
    m = fp.minutiae

    def points(ax: Axes) -> None:
        bare(ax, fp.image, alpha=0.7)
        ends = m.kind == ENDING
        for which, colour, mark, label in ((ends, ORANGE, "o", "ending"), (~ends, BLUE, "s", "bifurcation")):
            s = m.select(which)
            ax.plot(s.x, s.y, mark, color=colour, mfc="none", ms=7, mew=1.8, label=f"{label}s: {len(s)}")
            dx, dy = 20 * np.cos(s.direction), -20 * np.sin(s.direction)
            ax.plot([s.x, s.x + dx], [s.y, s.y + dy], color=colour, lw=1.8)
        ax.legend(loc="lower right", fontsize=9)

    def quality(ax: Axes) -> None:
        bare(ax, fp.image, alpha=0.4)
        shown = ax.scatter(m.x, m.y, c=m.quality, cmap="viridis", s=46, vmin=40, vmax=100, edgecolors="white")
        ax.figure.colorbar(shown, ax=ax, shrink=0.7, label="quality")

    def directions(ax: Axes) -> None:
        ax.hist(np.rad2deg(m.direction), bins=8, range=(0, 360), color=BLUE, ec="white")
        ax.set(xlabel="direction, degrees", ylabel="minutiae", xticks=range(0, 361, 90))

    sheet(
        "minutiae",
        ("minutiae_endings, minutiae_bifurcations", points),
        ("minutiae_quality_…", quality),
        ("minutiae_direction_…", directions),
    )


def quality(fp: rf.Fingerprint) -> None:
    """NFIQ 2's local measures by block."""
    blocks = inner_blocks(without_frame(fp.image)[0])
    row = rf.extract(fp, families=["quality"])

    def histogram(ax: Axes, values: np.ndarray, what: str) -> None:
        ax.hist(values[np.isfinite(values)], bins=20, color=BLUE, ec="white")
        ax.set(xlabel=what, ylabel="blocks of 32 × 32 px")

    def contrast(ax: Axes) -> None:
        bare(ax, fp.image)
        ax.contour(fp.mask, [0.5], colors=[ORANGE], linewidths=2)
        text = "\n".join(f"{c} {row[c]:.2f}" for c in list(row.index)[:4])
        ax.text(4, 4, text, va="top", fontsize=8, bbox={"fc": "white", "ec": "none", "alpha": 0.85})

    sheet(
        "quality",
        ("contrast and area", contrast),
        ("local clarity", lambda ax: histogram(ax, nfiq2.local_clarity(blocks), "local clarity")),
        ("orientation flow", lambda ax: histogram(ax, nfiq2.orientation_flow(blocks), "orientation flow")),
    )


def texture(fp: rf.Fingerprint) -> None:
    """Local binary patterns, the spectrum, and a wavelet transform."""
    import pywt

    def patterns(ax: Axes) -> None:
        bare(ax, lbp.square_codes(fp.image), cmap="nipy_spectral")

    def spectrum(ax: Axes) -> None:
        window = np.outer(np.hanning(fp.image.shape[0]), np.hanning(fp.image.shape[1]))
        power = np.abs(np.fft.fftshift(np.fft.fft2((fp.image - fp.image.mean()) * window)))
        limits = [0.5 / MM_PER_PX * s for s in (-1, 1, -1, 1)]
        ax.imshow(np.log1p(power), cmap="magma", extent=limits)
        for period in (0.3, 0.45, 0.7):
            turn = np.linspace(0, 2 * np.pi, 200)
            ax.plot(np.cos(turn) / period, np.sin(turn) / period, color="white", lw=0.8, ls="--")
        ax.set(xlim=(-5, 5), ylim=(-5, 5), xlabel="cycles / mm", ylabel="cycles / mm")

    def wavelets(ax: Axes) -> None:
        coefficients = pywt.wavedec2(fp.image.astype(np.float32), "db4", level=3, mode="periodization")
        shown, _ = pywt.coeffs_to_array([coefficients[0] / 8, *coefficients[1:]])
        bare(ax, np.log1p(np.abs(shown)))

    sheet(
        "texture",
        ("texture_lbp_…: patterns", patterns),
        ("spectrum: rings of wavelength", spectrum),
        ("texture_wavelet_…: sub-bands", wavelets),
    )


def explained(fp: rf.Fingerprint) -> None:
    """Draw one value as `ridgefeat explain` does, among simulated prints."""
    others = []
    for seed in range(24):
        master = make_master("right_loop", rng=np.random.default_rng(seed), period_mm=0.40 + 0.005 * seed)
        made = make_impression(master, rng=np.random.default_rng(seed), noise_level=1)
        others.append(rf.Fingerprint(made.image, dpi=made.dpi, hand="right"))
    name = "ridge_density_radial"
    values = pd.Series([rf.explain(other, name).value for other in others])
    rf.explain(fp, name, among=values).plot().savefig(FOLDER / "explain.png", dpi=80, metadata={"Software": None})
    print("docs/images/explain.png")


def phantoms() -> None:
    """Draw each scene of the reference set."""
    figure, axes = plt.subplots(2, 7, figsize=(13, 4.2), layout="constrained")
    chosen = [one for one in make_phantoms() if one.name.endswith("_500")]
    for ax, one in zip(axes.flat, chosen, strict=True):
        bare(ax, one.image, vmin=0, vmax=255, interpolation="hanning")
        ax.set_title(one.name.removesuffix("_500"), fontsize=10)
    figure.savefig(FOLDER / "phantoms.png", dpi=110, metadata={"Software": None})
    plt.close(figure)
    print("docs/images/phantoms.png")


def main() -> None:
    """Draw all families, an explanation, and the phantoms."""
    phantoms()
    fp = example()
    explained(fp)
    for draw in (ridge, orient, gabor, minutiae, quality, texture):
        draw(fp)
        print(f"docs/images/family_{draw.__name__}.png")


if __name__ == "__main__":
    main()
