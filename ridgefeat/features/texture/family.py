"""Texture: general image statistics that know nothing of ridges.

Two scales are used on purpose. Columns named `own` are computed on the original pixels, whatever their resolution, and
so compare only among prints of one sensor; all others are computed at 500 dpi. LBP and HOG are taken over the box
around the print, cut into 4 x 4 zones; the number of columns never depends on the image's size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ridgefeat.features.explanation import Column
from ridgefeat.features.family import Family, share
from ridgefeat.features.layers import Field, Frames, Layer, Matrix, bars_of, zone_frames
from ridgefeat.features.texture import glcm, hog, lbp, spectrum, wavelet
from ridgefeat.features.zones import Box, once_per_print, original_box, pixel_zones, print_box, zone_names
from ridgefeat.structure import MM_PER_PX, WORKING_DPI

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

OJALA = "Ojala et al. 2002"
DALAL = "Dalal and Triggs 2005"
HARALICK = "Haralick et al. 1973"
MALLAT = "Mallat 1989"
GNANASIVAM = "Gnanasivam and Muttan 2012"

texture = Family("texture", "General image statistics: LBP, HOG, GLCM, frequency bands, wavelets, DWT-SVD.")

GRID = 4
"""Zones along each side of the print's box, for LBP and HOG."""
CIRCLES = ((8, 1), (8, 2), (16, 3))
"""Points and radius in pixels of the LBP at 500 dpi."""
DISTANCES = (2, 4, 8)
"""Distances of grey-level pairs in pixels at 500 dpi: about 0.1, 0.2 and 0.4 mm."""
BLOCK_GRID = 3
BLOCK_BANDS = ((0.4, 1.6), (1.6, 2.4), (2.4, 3.2), (3.2, 8.0))
"""Bands in cycles/mm for the spectra by block; their limits are limits of rings."""


def _class_meaning(points: int, i: int) -> str:
    return f"{i} neighbours in one run as light" if i <= points else "no uniform pattern"


@texture.columns(
    *(
        share(
            f"texture_lbp_p{p}r{r}_{i}",
            f"share of the print's pixels whose LBP of {p} points at {r} px ({r * MM_PER_PX:.2f} mm) has "
            + _class_meaning(p, i),
            OJALA,
        )
        for p, r in CIRCLES
        for i in range(p + 2)
    )
)
def lbp_whole(fp: Fingerprint) -> np.ndarray | None:
    """Return rotation-invariant uniform LBP histograms at 500 dpi over the mask."""
    box = print_box(fp)
    if box is None or min(s.stop - s.start for s in box) <= 2 * CIRCLES[-1][1]:
        return None
    image, mask = fp.image[box], fp.mask[box]
    found = []
    for points, radius in CIRCLES:
        inner = slice(radius, -radius)
        codes = _adjoining(fp) if (points, radius) == (8, 1) else lbp.circle_codes(image, points, radius)
        counts = lbp.class_counts(codes, lbp.uniform_classes(points), mask[inner, inner])
        found.append(counts / max(counts.sum(), 1))
    return np.concatenate(found)


@once_per_print
def _adjoining(fp: Fingerprint) -> np.ndarray:
    """Return the LBP of 8 points at 1 px over the print's box at 500 dpi."""
    return lbp.circle_codes(fp.image[print_box(fp) or ()], 8, 1)


@texture.picture_of(lbp_whole)
def _lbp_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    *_, circle, own = name.split("_")
    points, radius = (int(n) for n in circle[1:].split("r"))
    box = print_box(fp)
    if box is None or min(s.stop - s.start for s in box) <= 2 * CIRCLES[-1][1]:
        yield "the print is too small for the pattern's circle"
        return
    codes = lbp.uniform_classes(points)[lbp.circle_codes(fp.image[box], points, radius)]
    inner: Box = tuple(slice(s.start + radius, s.stop - radius) for s in box)  # type: ignore[assignment]
    counted = np.where((codes == int(own)) & fp.mask[inner], 1.0, np.nan)
    yield Field(counted, f"pixels whose pattern has {_class_meaning(points, int(own))}", box=inner, colours="one")
    yield bars_of(values, rf"texture_lbp_{circle}_(\d+)", "share of the print by pattern", name)


@texture.columns(
    *(
        share(
            f"texture_lbp_own_{i}",
            f"share of pixels of the original image with uniform LBP pattern {i} of eight adjoining pixels; 58: no "
            "uniform one",
            OJALA,
        )
        for i in range(59)
    ),
    *(
        share(
            f"texture_lbp_own_{zone}_{i}",
            f"share of pixels of the original image whose LBP of 8 points at 1 px has {_class_meaning(8, i)}: {where}",
            OJALA,
        )
        for zone, where in zone_names(GRID).items()
        for i in range(10)
    ),
)
def lbp_own(fp: Fingerprint) -> np.ndarray | None:
    """Return LBP histograms of the original pixels: directed over the print's box, rotation-invariant by zone."""
    box = original_box(fp, 2 * GRID + 2)
    if box is None:
        return None
    image = fp.pixels[box]
    directed = lbp.class_counts(lbp.square_codes(image), lbp.directed_classes())
    is_resampled = (fp.dpi_x, fp.dpi_y) != (WORKING_DPI, WORKING_DPI)
    classes = cv2.LUT(lbp.circle_codes(image, 8, 1) if is_resampled else _adjoining(fp), lbp.uniform_classes(8))
    classes += pixel_zones(classes.shape, GRID) * np.uint8(10)
    zones = lbp.histogram(classes, 10 * GRID**2).reshape(-1, 10)
    return np.concatenate([directed / directed.sum(), (zones / zones.sum(1, keepdims=True)).ravel()])


@texture.picture_of(lbp_own)
def _lbp_own_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    box, (head, _, own) = original_box(fp, 2 * GRID + 2), name.rpartition("_")
    if box is None:
        yield "the print is too small in the original image"
        return
    is_zone = head != "texture_lbp_own"
    codes = lbp.square_codes(fp.pixels[box]) if not is_zone else lbp.circle_codes(fp.pixels[box], 8, 1)
    classes = (lbp.uniform_classes(8) if is_zone else lbp.directed_classes())[codes]
    counted = np.where(classes == int(own), 1.0, np.nan)
    yield Field(counted, f"pixels of the original with pattern {own}", box=print_box(fp), colours="one")
    if is_zone:
        yield zone_frames(fp, name)
    yield bars_of(values, rf"{head}_(\d+)", "share by pattern", name)


@texture.columns(
    *(
        share(
            f"texture_hog_own_{zone}_{i}",
            f"gradient magnitude of the original image pointing around {180 * i / hog.BINS:g} degrees (up to its "
            f"sign), in {where}; all zones together have length 1",
            DALAL,
        )
        for zone, where in zone_names(GRID).items()
        for i in range(hog.BINS)
    )
)
def hog_own(fp: Fingerprint) -> np.ndarray | None:
    """Return gradient orientation histograms of the original pixels by zone."""
    box = original_box(fp, 2 * GRID + 2)
    return None if box is None else hog.zone_histograms(fp.pixels[box], GRID)


@texture.picture_of(hog_own)
def _hog_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    yield zone_frames(fp, name)
    bars = bars_of(values, rf"{name.rpartition('_')[0]}_(\d)", "gradient by its direction, degrees, in the zone", name)
    yield replace(bars, names=[f"{180 * int(i) / hog.BINS:g}" for i in bars.names])
    yield "the print is too small in the original image, or flat"


@texture.columns(
    *(
        Column(
            f"texture_glcm_{d}px_{name}_{how}",
            "bits" if name == "entropy" else "",
            -1 if name == "correlation" and how == "mean" else 0,
            {"contrast": 196, "entropy": 8, "correlation": 2}.get(name, 1),
            f"{how} over four directions of the {name} of grey-level pairs {d} px ({d * MM_PER_PX:.2f} mm) apart, "
            "15 levels",
            HARALICK,
        )
        for d in DISTANCES
        for how in ("mean", "range")
        for name in glcm.PROPERTIES
    )
)
def cooccurrence(fp: Fingerprint) -> np.ndarray | None:
    """Return properties of grey-level pairs in the normalised print."""
    box = print_box(fp)
    if box is None:
        return None
    grey = glcm.levels(fp.normalised[box], fp.mask[box])
    found = np.full((len(DISTANCES), 2, len(glcm.PROPERTIES)), np.nan)
    shares = {i: s for i, d in enumerate(DISTANCES) if (s := glcm.cooccurrence(grey, d)) is not None}
    if shares:
        properties = glcm.properties(np.concatenate(list(shares.values()))).reshape(
            len(glcm.PROPERTIES), len(shares), -1
        )
        found[list(shares)] = np.stack([properties.mean(2), np.ptp(properties, 2)]).transpose(2, 0, 1)
    return found.ravel()


@texture.picture_of(cooccurrence)
def _cooccurrence_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    if (box := print_box(fp)) is not None:
        grey = glcm.levels(fp.normalised[box], fp.mask[box])
        distance = int(name.split("_")[2].removesuffix("px"))
        shown = np.where(fp.mask[box], grey, np.nan)
        yield Field(shown, "level of grey, of 15", 0, glcm.LEVELS - 1, box, "greys")
        if (shares := glcm.cooccurrence(grey, distance)) is not None:
            levels = [str(i) for i in range(glcm.LEVELS)]
            yield Matrix(shares.mean(0), levels, levels, f"share of pairs of levels {distance} px apart")
    yield "no two pixels of the print are so far apart, or all are alike"


@texture.columns(
    *(
        share(f"texture_ring_{i}", f"share of the spectrum's power from {low:g} to {high:g} cycles/mm")
        for i, (low, high) in enumerate(zip(spectrum.EDGES, spectrum.EDGES[1:], strict=False))
    ),
    Column("texture_spectrum_centroid", "cycles/mm", 0.4, 8, "mean spatial frequency, weighted by power"),
    Column("texture_spectrum_spread", "cycles/mm", 0, 4, "standard deviation of spatial frequency around it"),
    share("texture_spectrum_entropy", "entropy of the spectrum: 0 one wave, 1 white noise"),
    share("texture_spectrum_flatness", "geometric over arithmetic mean of the spectrum"),
    *(
        share(
            f"texture_block_{zone}_band{i}",
            f"share of the spectrum's power from {low:g} to {high:g} cycles/mm in {where}",
        )
        for zone, where in zone_names(BLOCK_GRID).items()
        for i, (low, high) in enumerate(BLOCK_BANDS)
    ),
)
def frequencies(fp: Fingerprint) -> Sequence[float] | None:
    """Return how power spreads over spatial frequencies, over the print and by block."""
    box = print_box(fp)
    if box is None:
        return None
    power, full = spectrum.window_spectra(fp.normalised, fp.mask, box)
    if not full.any():
        return None
    whole = spectrum.summary(power.mean(0))
    if whole is None:
        return None
    rings = np.zeros((len(full), len(spectrum.EDGES) - 1), np.float32)
    rings[full] = spectrum.ring_power(power)
    total = rings.sum(0)
    starts = np.searchsorted(spectrum.EDGES, [low for low, _ in BLOCK_BANDS])
    bands = np.add.reduceat(rings, starts, axis=1)
    each = spectrum.ALONG // BLOCK_GRID
    blocks = bands.reshape(BLOCK_GRID, each, BLOCK_GRID, each, -1).sum((1, 3))
    sums = blocks.sum(2, keepdims=True)
    shares = np.divide(blocks, sums, out=np.full_like(blocks, np.nan), where=sums > 0)
    return [*(total / total.sum()), *whole, *shares.ravel()]


@texture.picture_of(frequencies)
def _frequency_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    rows, columns = print_box(fp) or (slice(0, 0), slice(0, 0))
    full = spectrum.window_spectra(fp.normalised, fp.mask, (rows, columns))[1]
    top, left = (np.linspace(s.start, max(s.start, s.stop - spectrum.SIDE), spectrum.ALONG) for s in (rows, columns))
    y, x = (a.ravel() for a in np.meshgrid(top, left, indexing="ij"))
    yield Frames(np.stack([x, y, *np.full((2, len(x)), spectrum.SIDE)], 1)[full])
    if "_block_" in name:
        yield zone_frames(fp, name, BLOCK_GRID)
        bars = bars_of(
            values, rf"{name.rpartition('_')[0]}_band(\d)", "share of the power in the block, cycles/mm", name
        )
        yield replace(bars, names=[f"{low:g}–{high:g}" for low, high in BLOCK_BANDS])
    else:
        bars = bars_of(values, r"texture_ring_(\d+)", "share of the spectrum's power, from … cycles/mm", name)
        yield replace(bars, names=[f"{low:g}" for low in spectrum.EDGES[:-1]])
    yield f"no window of {spectrum.SIDE} px that is half print lies there"


@texture.columns(
    *(
        Column(
            f"texture_wavelet_{kind}_level{level}_{detail}",
            "",
            low,
            high,
            f"{meaning} {detail} details at level {level} ({2**level * MM_PER_PX:.2f} mm)",
            MALLAT,
        )
        for kind, low, high, meaning in (
            ("energy", 0, 1, "share of the detail energy in"),
            ("sparsity", 1, 1000, "root mean square over mean magnitude of"),
        )
        for level in range(1, wavelet.LEVELS + 1)
        for detail in wavelet.DETAILS
    )
)
def wavelets(fp: Fingerprint) -> np.ndarray | None:
    """Return energies of Daubechies-4 subbands of the normalised print."""
    box = print_box(fp)
    return None if box is None else wavelet.energies(fp.normalised[box] * fp.mask[box])


@texture.picture_of(wavelets)
def _wavelet_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    box, (head, level, detail) = print_box(fp), name.rsplit("_", 2)
    if box is None or not np.isfinite(values[name]):
        yield "the print is too small for four levels"
        return
    bands = wavelet.subbands(fp.normalised[box] * fp.mask[box], wavelet.WAVELET, wavelet.LEVELS)[1]
    band = np.abs(bands[3 * (int(level[5:]) - 1) + wavelet.DETAILS.index(detail)])
    yield Field(band, f"{detail} details at level {level[5:]}, magnitude", 0, float(np.percentile(band, 99)), box)
    bars = bars_of(
        values, rf"{head}_level(\d_\w)\w+", head.removeprefix("texture_wavelet_") + " by level and detail", name
    )
    yield replace(bars, names=[n.replace("_", "") for n in bars.names])


@texture.columns(
    share("texture_dwt_approximation", "share of energy in the approximation at level 6", GNANASIVAM),
    *(
        share(
            f"texture_dwt_level{level}_{detail}",
            f"share of energy in {detail} details at level {level}, original image scaled to 96 x 96",
            GNANASIVAM,
        )
        for level in range(1, wavelet.SVD_LEVELS + 1)
        for detail in wavelet.DETAILS
    ),
    *(
        share(
            f"texture_svd_{i}",
            f"singular value {i} of the original image scaled to 96 x 96, over the root sum of squares of all",
            GNANASIVAM,
        )
        for i in range(1, wavelet.SVD_VALUES + 1)
    ),
)
def dwt_svd(fp: Fingerprint) -> np.ndarray | None:
    """Return subband energies and singular values of the print's box at a fixed size."""
    box = original_box(fp, 1)
    return None if box is None else wavelet.dwt_svd(fp.pixels[box])


@texture.picture_of(dwt_svd)
def _dwt_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    box = original_box(fp, 1)
    if box is None or not np.isfinite(values[name]):
        yield "the print is flat, or outside the original image"
        return
    side = wavelet.SVD_SIDE
    small = cv2.resize(fp.pixels[box], (side, side), interpolation=cv2.INTER_AREA)
    yield Field(small, f"grey level of the box scaled to {side} x {side}", 0, 255, print_box(fp), "greys")
    if name.startswith("texture_svd"):
        yield bars_of(values, r"texture_svd_(\d+)", "singular values over their root sum of squares", name)
    else:
        bars = bars_of(values, r"texture_dwt_(?:level)?(\w+)", "share of energy by level and detail", name)
        yield replace(bars, names=[n[:3].replace("_", "") for n in bars.names])
