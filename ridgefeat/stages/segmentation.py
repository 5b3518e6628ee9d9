"""Segmentation: where the print is."""

from __future__ import annotations

import cv2
import numpy as np

from ridgefeat.stages.cards import find_writing
from ridgefeat.stages.grid import CELL, FINE, to_pixels
from ridgefeat.stages.parameter import parameter, parameters
from ridgefeat.stages.percentiles import percentiles
from ridgefeat.stages.residue import find_residue
from ridgefeat.structure import MM_PER_PX, Bool, Float, GaborResponses, UInt8

CONTRAST_BLUR, SHARE_BLUR, AGREEMENT_BLUR = 0.8, 1.0, 4.0
"""Deviations, in cells of 8 px, of the Gaussians over local contrast, over the waves' share of the variance, and over
the orientation on which waves must agree (some four ridges)."""
PRINT_CONTRAST = 90
"""Percentile of the contrast where ridges are sure that counts as the print's own contrast."""
FALLOFF_CELLS = 5
"""Side, in cells, of the square in which `falloff` looks for the largest contrast: 16 px to either side."""

SMALL_IMAGE, FILLED, MIN_AREA = 40.0, 0.5, 5.0
"""In an image of less than 40 mm², a piece need not have `min_area` if it has half of the image and 5 mm² (64 x 64 px
have 10.6)."""

# The outline is drawn on fine cells of 4 px.
USUAL_BLUR = 14.0 / FINE
"""Deviation over which the usual change of grey levels is averaged (14 px)."""
CELLS_BLUR, CHANGE_BLUR, SMOOTH_BLUR = 0.8, 0.4, 1.0
"""Deviations over the coarse mask (in cells of 8 px), over the change of grey levels, and over the finished outline."""
INSIDE, NEAR = 0.5, 0.3
"""Levels of the blurred coarse mask: above the first is inside the print, up to the second its outline may move."""
DEEP = 32 // FINE
"""Farther inside than this (32 px) nothing is removed."""
OUTLINE_CLOSING = 20 // FINE
"""Gaps of the outline up to twice this reach (20 px) are closed, and parts narrower than that are removed."""


@parameters
class SegmentationParams:
    """Parameters of segment."""

    seed_share: float = parameter(
        0.30,
        "",
        0.01,
        0.9,
        "share of variance that agreeing waves explain where ridges are sure; noise in the ridges' band reaches 0.33 "
        "in places; raised: fewer faint prints are found",
    )
    min_share: float = parameter(
        0.08, "", 0.01, 0.9, "the same share where ridges adjoin sure ones; raised: a smaller print"
    )
    sure_part: float = parameter(0.05, "", 0, 1, "share of a piece that must be sure ridges for it to be kept")
    contrast: float = parameter(
        0.12,
        "",
        0.0,
        1.0,
        "minimum local contrast, as a share of the print's own (90th percentile where ridges are sure)",
    )
    falloff: float = parameter(0.5, "", 0, 1, "minimum local contrast, as a share of the largest within 16 px")
    min_contrast: float = parameter(
        3.0, "grey levels", 0.1, 64, "local standard deviation below which nothing is a ridge"
    )
    closing: float = parameter(16.0, "px", 0, 64, "gaps up to this width are closed, thinner parts removed")
    outline: float = parameter(0.5, "", 0, 1, "change of grey levels at the outline, as a share of that around it")
    min_area: float = parameter(
        20.0, "mm²", 1, 500, "pieces with a smaller area are removed, unless they fill half of a small image"
    )
    min_piece: float = parameter(
        0.25, "", 0.0, 1.0, "further pieces below this share of the largest one's area are removed"
    )


def segment(image: UInt8, gabor: GaborResponses, params: SegmentationParams | None = None) -> Bool:
    """Return where ridges are, without holes.

    A place belongs to the print if a large share of its grey-value variance is explained by waves of one orientation
    and ridge-like wavelength, and if its contrast is not far below the print's own. White noise spreads its variance
    over all orientations and wavelengths and is therefore no print, however strong.

    Parameters
    ----------
    image : ndarray of uint8, shape (rows, columns)
        500 dpi.
    gabor : GaborResponses
        Of the normalised image.
    params : SegmentationParams, optional

    Returns
    -------
    ndarray of bool, shape (rows, columns)
        All False where no print is found.

    Examples
    --------
    >>> from ridgefeat import Fingerprint
    >>> from ridgefeat.synth.simple import grating
    >>> image = np.full((240, 400), 255, np.uint8)
    >>> image[:, 100:300] = grating((240, 200), 9.0, 0.5).image
    >>> columns = np.flatnonzero(Fingerprint(image).mask[120])
    >>> columns[[0, -1]]  # 100 and 299, to 4 px
    array([ 96, 303])
    """
    p = params or SegmentationParams()
    contrast = local_contrast(image, gabor)
    share = ridge_share(gabor)
    sure = (common_share(gabor) > p.seed_share) & (contrast > p.min_contrast)
    if not sure.any():
        return np.zeros(image.shape, bool)
    ridges = (share > p.min_share) & (contrast > p.contrast * percentiles(contrast[sure], PRINT_CONTRAST)[0])
    # Smoothing carries contrast over the print's outline; what it carries is small compared with its neighbours'.
    ridges &= contrast > p.falloff * cv2.dilate(contrast, np.ones((FALLOFF_CELLS, FALLOFF_CELLS), np.uint8))
    ridges &= ~find_residue(image, ridges, contrast, share)
    _, labels = cv2.connectedComponents(ridges.view(np.uint8), connectivity=4)
    count = np.bincount(labels.ravel())
    kept = np.bincount(labels[sure], minlength=count.size) >= np.maximum(p.sure_part * count, 1)
    kept[0] = False
    cells = _closed_opened(kept[labels], max(1, round(p.closing / CELL))) > 0
    cells &= ~find_writing(image, cells, share)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(cells.view(np.uint8), connectivity=4)
    area = stats[:, cv2.CC_STAT_AREA] * (CELL * MM_PER_PX) ** 2
    area[0] = 0
    image_area = cells.size * (CELL * MM_PER_PX) ** 2
    enough = min(p.min_area, max(MIN_AREA, FILLED * image_area)) if image_area < SMALL_IMAGE else p.min_area
    cells = _filled(((area >= enough) & (area >= p.min_piece * area.max()))[labels])
    return _outlined(image, cells, p) if cells.any() else np.zeros(image.shape, bool)


def segment_region(image: UInt8, gabor: GaborResponses, region: Bool, params: SegmentationParams | None = None) -> Bool:
    """Return the part of a region, as a person has marked it, in which there are ridges, faint ones included.

    Holes, such as blots and gaps, count as print if ridges surround them. As in `segment` otherwise; `seed_share`,
    `contrast`, `falloff`, `min_area` and `min_piece` have no effect, because a person has seen the print.

    Parameters
    ----------
    image : ndarray of uint8, shape (rows, columns)
        500 dpi.
    gabor : GaborResponses
        Of the normalised image.
    region : ndarray of bool, shape (rows, columns)
    params : SegmentationParams, optional

    Returns
    -------
    ndarray of bool, shape (rows, columns)
        All False where no ridges are found.

    Examples
    --------
    >>> from ridgefeat import Fingerprint
    >>> from ridgefeat.synth.simple import grating
    >>> region = np.zeros((240, 240), bool)
    >>> region[40:200, 80:160] = True
    >>> np.array_equal(Fingerprint(grating((240, 240), 9.0, 0.5).image, region=region).mask, region)
    True
    """
    p = params or SegmentationParams()
    ridges = (ridge_share(gabor) > p.min_share) & (local_contrast(image, gabor) > p.min_contrast)
    cells = _filled(_closed_opened(ridges, max(1, round(p.closing / CELL))))
    return np.asarray((to_pixels(cells.astype(np.float32), region.shape) > INSIDE) & region)


def ridge_share(gabor: GaborResponses) -> Float:
    """Return the share of the variance about each cell that the strongest wave explains."""
    share = gabor.magnitude.max((0, 1)) ** 2 / 2
    return np.asarray(cv2.GaussianBlur(share, (0, 0), SHARE_BLUR, borderType=cv2.BORDER_REPLICATE))


def common_share(gabor: GaborResponses) -> Float:
    """Return how much variance waves explain that agree on one orientation over some four ridges.

    Noise in the ridges' own band makes strong waves too, but neighbours among them disagree.
    """
    by_orientation = np.square(gabor.magnitude).sum(0) / 2
    doubled = np.exp(2j * gabor.orientations).astype(np.complex64)
    vector = np.tensordot(by_orientation, doubled, (0, 0)).view(np.float32).reshape(*by_orientation.shape[1:], 2)
    agreed = cv2.GaussianBlur(vector, (0, 0), AGREEMENT_BLUR, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(np.hypot(agreed[..., 0], agreed[..., 1]))


def local_contrast(image: UInt8, gabor: GaborResponses) -> Float:
    """Return the standard deviation of grey levels around each cell, shape (grid rows, grid columns)."""
    rows, columns = gabor.magnitude.shape[2:]
    below, right = CELL * rows - image.shape[0], CELL * columns - image.shape[1]
    grey = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE).astype(np.float32)
    # Means over cells, then over their neighbours: about two ridges, so that the outline stays where the print ends.
    cells = (cv2.resize(v, (columns, rows), interpolation=cv2.INTER_AREA) for v in (grey, grey * grey))
    mean, square = (cv2.GaussianBlur(v, (0, 0), CONTRAST_BLUR) for v in cells)
    return np.asarray(np.sqrt(np.maximum(square - mean * mean, 0)))


def _outlined(image: UInt8, cells: Bool, p: SegmentationParams) -> Bool:
    """Draw the outline, to about 4 px, where grey levels stop changing: the responses extend beyond the ridges."""
    rows, columns = image.shape
    height, width = 2 * cells.shape[0], 2 * cells.shape[1]
    padded = cv2.copyMakeBorder(image, 0, FINE * height - rows, 0, FINE * width - columns, cv2.BORDER_REPLICATE)
    half = cv2.resize(padded, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    gx, gy = cv2.Scharr(half, cv2.CV_32F, 1, 0), cv2.Scharr(half, cv2.CV_32F, 0, 1)
    change = cv2.resize(cv2.magnitude(gx, gy), (width, height), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(cells.astype(np.float32), (0, 0), CELLS_BLUR)
    coarse = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)
    usual = cv2.GaussianBlur(change * coarse, (0, 0), USUAL_BLUR)
    usual /= cv2.GaussianBlur(coarse, (0, 0), USUAL_BLUR) + np.float32(1e-3)
    changing = cv2.GaussianBlur(change, (0, 0), CHANGE_BLUR) > p.outline * usual
    deep = cv2.erode((coarse > INSIDE).astype(np.uint8), _disc(DEEP)) > 0
    fine = _filled(_closed_opened((changing & (coarse > NEAR)) | deep, OUTLINE_CLOSING))
    soft = cv2.GaussianBlur(fine.astype(np.float32), (0, 0), SMOOTH_BLUR)
    full = cv2.resize(soft, (FINE * width, FINE * height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(full[:rows, :columns] > INSIDE)


def _disc(reach: int) -> UInt8:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)), np.uint8)


def _closed_opened(where: Bool, reach: int) -> UInt8:
    """Close gaps, then drop thin parts.

    When gaps are closed, nothing lies beyond the image; when thin parts are removed, the print continues there.
    """
    inner = slice(reach, -reach), slice(reach, -reach)
    cells = cv2.copyMakeBorder(where.view(np.uint8), *(reach,) * 4, cv2.BORDER_CONSTANT, value=0)
    cells = cv2.morphologyEx(cells, cv2.MORPH_CLOSE, _disc(reach))[inner]
    cells = cv2.copyMakeBorder(cells, *(reach,) * 4, cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(cv2.morphologyEx(cells, cv2.MORPH_OPEN, _disc(reach))[inner])


def _filled(where: Bool | UInt8) -> Bool:
    """Fill the holes."""
    outlines, _ = cv2.findContours(where.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(np.zeros(where.shape, np.uint8), outlines, -1, 1, cv2.FILLED) > 0)
