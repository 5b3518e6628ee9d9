"""Pictures as files: a print with all that was detected in it, one panel per stage; a template; two prints, paired.

save_overlay(rf.read("101_1.tif", dpi=500), "overlay.png")
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ridgefeat.errors import ImageError, ParameterError, TemplateError
from ridgefeat.features.layers import Marks
from ridgefeat.files import atomic_write, os_errors_as
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.report.display import INK, SOFT, label, save_figure, styled
from ridgefeat.report.display import shorten as shorten_words
from ridgefeat.report.pictures.axes import GREEN, draw_layer
from ridgefeat.report.pictures.panels import PANELS, WARNING, Panel, add_legend, draw_over, find_panels, scaled
from ridgefeat.structure import WORKING_DPI, UInt8

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ridgefeat.templates import MinutiaeRecord
    from ridgefeat.verify import PreparedTemplate, Template

    Side = Template | PreparedTemplate
    Images = tuple[UInt8 | None, UInt8 | None]

TEMPLATE_MARGIN = 16.0
"""Pixels at 500 dpi around minutiae whose image has no known size."""
MAX_SPAN = 3000.0
"""Pixels at 500 dpi, 15 cm."""
PAGE = (252, 252, 251)
PANEL_SIDE = 800
"""Pixels of a panel's longer side if no scale is given."""
PX_PER_INCH = 100
"""Of a page of panels."""
SCALE_RANGE = (0.25, 4.0)
MARGIN, GAP, TITLE, LEGEND, MIN_WIDTH = 40, 36, 46, 64, 600
HEADING = 96
MATCH_SCALE = 2.0
"""Picture pixels per pixel at 500 dpi, of two prints that are compared."""
MATCH_GAP, MATCH_HEADING = 24, 64


class TemplatePrint(Fingerprint):
    """A print with the minutiae and singular points of a template, without stages; its whole area is foreground."""

    @classmethod
    def make(cls, record: MinutiaeRecord, image: Fingerprint | None = None, *, source: str = "") -> TemplatePrint:
        """Return a template's points on its image, or else on white: of the size that it gives, or that they span.

        Raises TemplateError if they lie outside the image or span more than 15 cm, ImageError if the size that it gives
        is too large for a print.
        """
        points, singular = record.minutiae, record.singular_points
        x, y = np.concatenate([points.x, singular.x]), np.concatenate([points.y, singular.y])
        dpi = record.dpi_x, record.dpi_y
        if image is not None:
            original, dpi = image.original, (image.dpi_x, image.dpi_y)
        elif record.width and record.height:
            original = np.broadcast_to(np.uint8(255), (record.height, record.width))
        else:
            # .xyt counts from the bottom of an image of unknown height: what is negative is shifted into the picture.
            left, top = (min(0.0, float(a.min(initial=0)) - TEMPLATE_MARGIN * bool((a < 0).any())) for a in (x, y))
            right, bottom = (float(a.max(initial=0)) + TEMPLATE_MARGIN for a in (x, y))
            if max(right - left, bottom - top) > MAX_SPAN:
                raise TemplateError(f"{source}: its minutiae span more than {25.4 * MAX_SPAN / WORKING_DPI:.0f} mm")
            points = replace(points, x=points.x - np.float32(left), y=points.y - np.float32(top))
            singular = replace(singular, x=singular.x - np.float32(left), y=singular.y - np.float32(top))
            original = np.full((round(bottom - top), round(right - left)), 255, np.uint8)
            dpi = WORKING_DPI, WORKING_DPI
        fp = cls(original, dpi, source=source)
        rows, columns = fp.image.shape
        if image is not None and ((x < -1) | (y < -1) | (x > columns) | (y > rows)).any():
            raise TemplateError(f"{source}: minutiae lie outside the image; is it another print, or is its dpi wrong?")
        vars(fp).update(minutiae=points, singular_points=singular, mask=np.ones((rows, columns), bool), flags=())
        return fp


def draw_overlay(
    fp: Fingerprint, *, panels: Sequence[str] | None = None, scale: float | None = None, ids: Sequence[str] = ()
) -> UInt8:
    """Draw a print's stages as panels on one page.

    Parameters
    ----------
    fp : Fingerprint
    panels : sequence of str, optional
        Names from PANELS, in the wanted order; default: all of them.
    scale : float, optional
        Picture pixels per pixel at 500 dpi, 0.25 to 4 [scalar]; without, a panel's longer side becomes 800 px.
    ids : sequence of str, optional
        What is written at each minutia, then at each singular point, in the panel of minutiae.

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 3)
        RGB.

    Raises
    ------
    ParameterError
        For an unknown panel or a scale out of range.
    """
    return _pixels(_page(fp, panels, scale, ids))


def _page(fp: Fingerprint, panels: Sequence[str] | None, scale: float | None, ids: Sequence[str]) -> Figure:
    chosen, scale = find_panels(panels), _scale(fp, scale)
    width, height = _size(fp, scale)
    columns = min(len(chosen), 4)
    cell = max(width, MIN_WIDTH), TITLE + height + LEGEND
    rows = math.ceil(len(chosen) / columns)
    across = 2 * MARGIN + columns * cell[0] + (columns - 1) * GAP
    down = 2 * MARGIN + HEADING + rows * cell[1] + (rows - 1) * GAP
    with styled():
        page = _blank(across, down)
        _heading(page, fp, across, down)
        for index, panel in enumerate(chosen):
            x = MARGIN + index % columns * (cell[0] + GAP)
            y = MARGIN + HEADING + index // columns * (cell[1] + GAP)
            line: dict[str, Any] = {"y": 1 - (y + 30) / down, "va": "baseline"}
            title = page.text(x / across, s=panel.title, fontsize=17, weight="bold", color=INK, **line)
            room = cell[0] - title.get_window_extent().width - 16
            meaning = shorten_words(panel.meaning, max(4, int(room / 10)))
            page.text((x + cell[0] - room) / across, s=meaning, fontsize=13, color=SOFT, **line)
            ax = page.add_axes((x / across, 1 - (y + TITLE + height) / down, width / across, height / down))
            _draw_panel(panel, fp, ax, ids)
            fields = scaled(ax)
            for field in fields:
                strip = (x / across, 1 - (y + TITLE + height + 22) / down, min(width, 300) / across, 12 / down)
                bar = page.colorbar(field, cax=page.add_axes(strip), orientation="horizontal")
                bar.ax.tick_params(length=0, labelsize=11)
                bar.outline.set_visible(False)
                place = (x + min(width, 300) + 16) / across, strip[1]
                page.text(*place, label(field.get_label(), 40), fontsize=12, color=INK)
            if not fields:
                add_legend(ax, 12, 4)
    return page


def _draw_panel(panel: Panel, fp: Fingerprint, ax: Axes, ids: Sequence[str] = ()) -> None:
    layers = list(panel.layers(fp)) if fp.mask.any() else [Marks(fp.minutiae)] * (panel is not PANELS["print"])
    if panel is PANELS["minutiae"] and ids:
        parts = ids[: len(fp.minutiae)], ids[len(fp.minutiae) :]
        layers = [replace(one, texts=some) for one, some in zip(layers, parts, strict=False) if isinstance(one, Marks)]
    draw_over(fp, layers, ax)


def save_overlay(
    fp: Fingerprint,
    path: str | Path,
    *,
    panels: Sequence[str] | None = None,
    scale: float | None = None,
    numbers: bool = False,
) -> None:
    """Draw a print's stages and write them as a picture; its format goes by the extension (.png, .svg, .pdf, .jpg …).

    Parameters
    ----------
    fp, panels, scale
        As for draw_overlay.
    path : str or Path
        File to write; an existing one is replaced.
    numbers : bool
        Whether to write at each minutia, core and delta its `id` in the CSV table of minutiae.

    Raises
    ------
    ParameterError
        As draw_overlay.
    ImageError
        If the extension is not a picture's or the file cannot be written.
    """
    _save_page(_page(fp, panels, scale, _numbered(fp) if numbers else ()), path)


def _save_page(page: Figure, path: str | Path) -> None:
    if Path(path).suffix.lower() in (".svg", ".pdf"):
        with styled():
            save_figure(page, path)
    else:
        save_picture(_pixels(page), path)


def save_template(
    record: MinutiaeRecord,
    path: str | Path,
    *,
    image: Fingerprint | None = None,
    source: str = "",
    scale: float | None = None,
    numbers: bool = False,
) -> None:
    """Draw the minutiae of a template, on white or over its image, and write the picture.

    Parameters
    ----------
    record : MinutiaeRecord
        From ridgefeat.templates.read_minutiae.
    path, scale, numbers
        As for save_overlay; a CSV table's own ids are written.
    image : Fingerprint, optional
        The print that the minutiae are of; no stage of it is computed.
    source : str
        The template's name, for the title.

    Raises
    ------
    TemplateError
        If minutiae lie outside the image, or span more than 15 cm.
    ParameterError, ImageError
        As save_overlay.
    """
    fp = TemplatePrint.make(record, image, source=source)
    ids = (record.ids or _numbered(fp)) if numbers else ()
    _save_page(_page(fp, ["minutiae"], scale, ids), path)


def _numbered(fp: Fingerprint) -> list[str]:
    return [str(i + 1) for i in range(len(fp.minutiae) + len(fp.singular_points))]


def draw_panel(fp: Fingerprint, name: str, *, scale: float | None = None) -> UInt8:
    """Draw one stage alone, without title and legend; parameters, result and errors as for draw_overlay."""
    (panel,) = find_panels([name])
    with styled():
        page = _blank(*_size(fp, _scale(fp, scale)))
        _draw_panel(panel, fp, page.add_axes((0, 0, 1, 1), frame_on=False))
    return _pixels(page)


def _blank(width: int, height: int) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    page = Figure(figsize=(width / PX_PER_INCH, height / PX_PER_INCH), dpi=PX_PER_INCH, facecolor=np.divide(PAGE, 255))
    FigureCanvasAgg(page)
    return page


def _pixels(page: Figure) -> UInt8:
    with styled():
        page.canvas.draw()
    return np.array(page.canvas.buffer_rgba())[..., :3]  # type: ignore[attr-defined]


def _size(fp: Fingerprint, scale: float) -> tuple[int, int]:
    """Return width and height of a panel in px."""
    rows, columns = fp.image.shape
    return max(1, round(columns * scale)), max(1, round(rows * scale))


def _heading(page: Figure, fp: Fingerprint, across: int, down: int) -> None:
    """Write the source, and on a second line what the print is."""
    name = label(Path(fp.source).name or "fingerprint", max(8, (across - 2 * MARGIN) // 20))
    page.text(MARGIN / across, 1 - (MARGIN + 26) / down, name, fontsize=23, weight="bold", color=INK)
    rows, columns = fp.original.shape
    dpi = f"{fp.dpi_x:g}" if fp.dpi_x == fp.dpi_y else f"{fp.dpi_x:g} × {fp.dpi_y:g}"
    millimetres = f"{columns * 25.4 / fp.dpi_x:.1f} × {rows * 25.4 / fp.dpi_y:.1f} mm"
    facts = [f"{columns} × {rows} px", f"{dpi} dpi", millimetres]
    if fp.mask.any():
        facts.append(f"{len(fp.minutiae)} minutiae")
    flags = ", ".join(flag.replace("_", " ") for flag in fp.flags)
    if not isinstance(fp, TemplatePrint):
        facts.append(f"flags: {flags or 'none'}")
    x = MARGIN
    for fact in facts:
        colour = WARNING if flags and fact is facts[-1] else SOFT
        how: dict[str, Any] = {"fontsize": 14, "color": colour}
        text = page.text(x / across, 1 - (MARGIN + 62) / down, label(fact, max(8, (across - MARGIN - x) // 11)), **how)
        x += round(text.get_window_extent().width) + 28


def save_picture(picture: UInt8, path: str | Path) -> None:
    """Write a grey or RGB picture; its format goes by the extension. Raises ImageError if that cannot be done."""
    path = Path(path)
    pixels = picture if picture.ndim == 2 else picture[..., ::-1]
    try:
        written, data = cv2.imencode(path.suffix or ".?", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 6])
    except cv2.error:
        written = False
    if not written:
        raise ImageError(f"{path}: no picture can be written as {path.suffix or 'a file without extension'}; use .png")
    with os_errors_as(ImageError, f"{path} cannot be written"), atomic_write(path) as temporary:
        temporary.write_bytes(data.tobytes())


def _scale(fp: Fingerprint, scale: float | None) -> float:
    low, high = SCALE_RANGE
    if scale is None:
        # A huge image is drawn as small as it takes.
        return min(high, PANEL_SIDE / int(max(fp.image.shape)))
    if not low <= scale <= high:
        raise ParameterError(f"scale must lie between {low:g} and {high:g}, got {scale:g}")
    return scale


def draw_match(first: Side, second: Side, images: Images = (None, None)) -> UInt8:
    """Draw two prints next to each other, with lines between the minutiae that their comparison paired.

    Parameters
    ----------
    first, second : Template or PreparedTemplate
    images : (ndarray of uint8 or None, ndarray of uint8 or None), optional
        The prints at 500 dpi (`Fingerprint.image`). Without one, the ridges are drawn as the template holds them; a
        template of minutiae alone has none.

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 3)
        RGB.
    """
    return _pixels(_match_page(first, second, images))


def save_match(first: Side, second: Side, path: str | Path, images: Images = (None, None)) -> None:
    """Draw two prints as draw_match does; the format goes by the extension (.png, .svg, .pdf, .jpg …).

    Raises ImageError if the extension is not a picture's or the file cannot be written.
    """
    _save_page(_match_page(first, second, images), path)


def _match_page(first: Side, second: Side, images: Images) -> Figure:
    from matplotlib.patches import ConnectionPatch

    from ridgefeat.verify import PreparedTemplate, compare, prepare

    a, b = ((p.template if isinstance(p, PreparedTemplate) else p) for p in (first, second))
    found = compare(prepare(a), prepare(b))
    sides = [_paper(*side) for side in zip((a, b), images, strict=True)]
    widths, heights = ([round(side.shape[axis] * MATCH_SCALE) for side in sides] for axis in (1, 0))
    across, down = sum(widths) + MATCH_GAP, max(heights) + MATCH_HEADING
    with styled():
        page, drawn = _blank(across, down), []
        for template, side, left, width, height, met in zip(
            (a, b), sides, (0, widths[0] + MATCH_GAP), widths, heights, (found.first, found.second), strict=True
        ):
            place = (left / across, 1 - (MATCH_HEADING + height) / down, width / across, height / down)
            ax = page.add_axes(place, frame_on=False)
            ax.imshow(side, cmap="gray", vmin=0, vmax=255)
            ax.set(xticks=[], yticks=[])
            ax.grid(False)
            draw_layer(Marks(template.minutiae, np.isin(np.arange(len(template.minutiae)), met)), ax)
            name = label(template.source, max(8, (width - 40) // 10))
            page.text((left + 8) / across, 1 - 24 / down, name, fontsize=11.5, weight="bold", color=INK)
            drawn.append(ax)
        for i, k in zip(found.first, found.second, strict=True):
            start, end = ((m.x[at], m.y[at]) for m, at in ((a.minutiae, i), (b.minutiae, k)))
            how: dict[str, Any] = {"axesA": drawn[0], "axesB": drawn[1], "color": GREEN}
            page.add_artist(ConnectionPatch(start, end, "data", "data", **how))
        coherence = found.ridge_coherence
        ridges = "" if coherence != coherence else f", ridge coherence {100 * coherence:.0f} %"
        paired = f"{len(found.first)} minutiae paired, {100 * found.paired_fraction:.0f} % of those in the overlap"
        text = label(f"score {found.score:.1f}: {paired}{ridges}", max(8, across // 8))
        page.text(8 / across, 1 - 50 / down, text, fontsize=10, color=INK)
    return page


def _paper(template: Template, image: UInt8 | None) -> UInt8:
    """Return a print or its ridges, light, so that marks and lines are visible."""
    if image is not None:
        return np.asarray(255 - (255 - image.astype(np.float32)) * 0.5, np.uint8)
    rows, columns = (n * 8 for n in template.mask.shape)
    grey = np.full((rows, columns), 255, np.uint8)
    if template.waves is not None and template.waves.signal.size:
        from ridgefeat.verify.waves import SPACING

        wave = template.waves.signal[:, :, 0].astype(np.float32)
        height, width = wave.shape[0] * SPACING, wave.shape[1] * SPACING
        large = cv2.resize(wave, (width, height), interpolation=cv2.INTER_CUBIC)[:rows, :columns]
        grey[: large.shape[0], : large.shape[1]] = np.clip(225 + 0.3 * large, 150, 255)
        grey[: large.shape[0], : large.shape[1]][large == 0] = 255
    return grey
