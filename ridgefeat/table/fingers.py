"""Slaps before their rows: every image that shows several fingers becomes one print per finger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from ridgefeat.errors import RidgefeatError
from ridgefeat.sources import PrintSource
from ridgefeat.sources.source import boxed
from ridgefeat.stages.fingers import SLAPS, name_fingers, position_code, split_fingers
from ridgefeat.structure import WORKING_DPI
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import open_print
from ridgefeat.work.engine import spread_items, using
from ridgefeat.work.guard import Stopped

TOUCHING = "touching_fingers"
"""Flag of a finger whose boundary with its neighbour is estimated."""
PARAMS = ["segmentation.min_piece=0.1"]
"""A little finger may have less than a quarter of the thumb's area."""


def split_prints(
    items: Sequence[PrintSource],
    recipe: Recipe,
    *,
    jobs: int | None = None,
    engine: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[PrintSource]:
    """Return the prints with each image of several fingers replaced by its fingers, from left to right.

    Parameters
    ----------
    items : sequence of PrintSource
        Those with a label `finger` are of one finger, and stay as they are. So do those that cannot be read.
    recipe : Recipe
        How they are read and segmented.
    jobs, engine
        As `write_table` takes them.
    progress : callable, optional
        Called with the number of images that were looked at, and of all.

    Returns
    -------
    list of PrintSource
        A finger has the image's labels, `hand` and `finger` where they are clear (else a `finger_id` such as "2 of 3"),
        and the flag touching_fingers where it joins its neighbour. Its name ends in the box that it takes in its
        image, as in slap.png#320x480+20+0.
    """
    asked = [k for k, item in enumerate(items) if "finger" not in item.labels and item.error is None]
    out = [[item] for item in items]
    with using(engine, jobs) as workers:
        fingers_of = spread_items(partial(_split, recipe), [items[k] for k in asked], workers)
        for done, (k, found) in enumerate(zip(asked, fingers_of, strict=True), 1):
            if not isinstance(found, Stopped):  # otherwise it is stopped again, with the reason, when its row is made
                out[k] = found
            if progress:
                progress(done, len(asked))
    return [item for fingers in out for item in fingers]


def _split(recipe: Recipe, item: PrintSource) -> list[PrintSource]:
    try:
        fp = open_print(item, replace(recipe, mirror=None, params=recipe.params.updated(PARAMS)))
        fingers = split_fingers(fp.mask, is_slap=position_code(item.labels) in SLAPS)
    except (RidgefeatError, MemoryError):
        return [item]
    if len(fingers) < 2:
        return [item]
    out = []
    for number, (finger, named) in enumerate(zip(fingers, name_fingers(fingers, item.labels), strict=True), 1):
        # Fingers of one image are different fingers, even where it is not clear which.
        which = f"{item.labels.get('finger_id', '')} {number} of {len(fingers)}".strip()
        labels = item.labels | {"finger_id": which} | named
        if "finger" in named:  # as in the finger's other prints
            del labels["finger_id"]
        x, y = fp.dpi_x / WORKING_DPI, fp.dpi_y / WORKING_DPI
        left, top = int(finger.box[0] * x), int(finger.box[1] * y)
        height, width = fp.original.shape
        size = min(round(finger.box[2] * x), width - left), min(round(finger.box[3] * y), height - top)
        part = boxed(item, (left, top, *size))  # in px of the original
        flags = item.flags + ((TOUCHING,) if finger.touching else ())
        out.append(replace(part, labels=labels, flags=flags))
    return out
