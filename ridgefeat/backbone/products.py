"""A convolution as one product of matrices: its weights with every window of the maps, each tap a row.

The windows are made by slices: with steps of two or more the maps are first parted into those of each remainder, so
that every slice after it is of neighbours and is copied by whole rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count, product
from typing import Any

from ridgefeat.backbone.constants import shape_of
from ridgefeat.backbone.onnx_file import Node, OnnxFile
from ridgefeat.backbone.writing import attribute, node, weight, whole

LEAST_WEIGHTS = 4000
"""Weights of a convolution of 1 x 1 from which the product is faster, its changes of layout included."""
LEAST_MAPS = 96
"""Maps that a larger one without steps gives, from which its product saves more than the windows cost."""
MOST_TAPS = 49
"""Taps of a convolution at most: each is a slice of all the maps that go in, and is held."""
MOST_STEP = 16
MOST_PADDING = 1024
_TO_THE_END = 2**31 - 1
_ONES = (1, 1)


def as_product(
    file: OnnxFile, conv: Node, told: dict[str, Any], taken: str | None = None, padding: Sequence[int] = ()
) -> bytes:
    """Return the fields of a graph that stand for a convolution; none where it stays one.

    Parameters
    ----------
    file : OnnxFile
    conv : Node
    told : dict
        Its attributes, as `settings` reads them; auto_pad is none.
    taken : str, optional
        The tensor that it takes instead of its own.
    padding : sequence of int
        Zeros around that, instead of its own: top, left, bottom, right.
    """
    dims = shape_of(file, conv.inputs[1])
    biased = len(conv.inputs) > 2 and conv.inputs[2] != ""
    pads = [*(padding or told.get("pads") or (0, 0, 0, 0))]
    steps = tuple(told.get("strides") or _ONES)
    dilated = any(d != 1 for d in told.get("dilations") or _ONES)
    if len(dims) != 4 or len(pads) != 4 or len(steps) != 2 or told.get("group", 1) != 1 or dilated:
        return b""
    if not 1 <= min(steps) <= max(steps) <= MOST_STEP or not 0 <= min(pads) <= max(pads) <= MOST_PADDING:
        return b""
    if not _is_faster(dims, steps) or (biased and conv.inputs[2] not in file.weights):
        return b""
    out = conv.outputs[0]
    made, row, maps = _windows(taken or conv.inputs[0], f"{out}/ridgefeat", dims[1:], steps, pads)
    shape, sides, size, product_, total = (
        f"{out}/ridgefeat/{name}" for name in ("shape", "sides", "size", "product", "sum")
    )
    made += [
        *(whole(f"{sides}/from", [-2]), whole(f"{sides}/to", [_TO_THE_END])),
        *(whole(f"{size}/kept", [0, dims[0]]), weight(file, conv.inputs[1], f"{product_}/w", [dims[0], row])),
        node("Shape", [maps], shape),
        node("Slice", [shape, f"{sides}/from", f"{sides}/to"], sides),
        node("Concat", [f"{size}/kept", sides], size, attribute("axis", 0)),
        node("MatMul", [f"{product_}/w", f"{out}/ridgefeat/rows"], product_),
    ]
    if biased:
        made.append(weight(file, conv.inputs[2], f"{total}/b", [dims[0], 1]))
        made.append(node("Add", [product_, f"{total}/b"], total))
    made.append(node("Reshape", [total if biased else product_, size], out))
    return b"".join(made)


def _is_faster(dims: Sequence[int], steps: Sequence[int]) -> bool:
    out, into, rows, columns = dims
    if not 0 < rows * columns <= MOST_TAPS or min(dims) < 1:
        return False
    if rows == columns == 1:
        return out * into >= LEAST_WEIGHTS
    # OpenCV's convolutions with steps reach a third of the speed of those without.
    return max(steps) > 1 or out >= LEAST_MAPS


def _windows(
    maps: str, name: str, dims: Sequence[int], steps: Sequence[int], pads: Sequence[int]
) -> tuple[list[bytes], int, str]:
    """Return fields that make the windows' rows, `name`/rows; their number; and a tensor with the windows' sides."""
    into, *kernel = dims
    # Taps of one remainder, and what makes all remainders' maps as large as one another.
    spans = [-(-k // s) for k, s in zip(kernel, steps, strict=True)]
    more = [n * s - k for n, s, k in zip(spans, steps, kernel, strict=True)]
    made, number = [], count()
    if any(pads) or any(more):
        around = [0, 0, pads[0], pads[1], 0, 0, pads[2] + more[0], pads[3] + more[1]]
        made += [whole(f"{name}/pads", around), node("Pad", [maps, f"{name}/pads"], f"{name}/padded")]
        maps = f"{name}/padded"
    many = max(kernel) > 1
    if many:
        # The axis of the taps: where they follow one another map by map, the weights stay as they are.
        made += [whole(f"{name}/tap", [2]), node("Unsqueeze", [maps, f"{name}/tap"], f"{name}/apart")]
        maps = f"{name}/apart"
    made += [whole(f"{name}/axes", [-2, -1]), whole(f"{name}/steps", list(steps))]

    def cut(tensor: str, start: Sequence[int], left: Sequence[int], further: Sequence[str] = ()) -> str:
        """Slice from `start` to so many before the end."""
        new = f"{name}/{next(number)}"
        ends = [-n if n else _TO_THE_END for n in left]
        made.extend([whole(f"{new}/from", list(start)), whole(f"{new}/to", ends)])
        made.append(node("Slice", [tensor, f"{new}/from", f"{new}/to", f"{name}/axes", *further], new))
        return new

    parts = {}
    for rest in product(*(range(min(s, k)) for s, k in zip(steps, kernel, strict=True))):
        left = [s - 1 - r for s, r in zip(steps, rest, strict=True)]
        parts[rest] = cut(maps, rest, left, [f"{name}/steps"]) if max(steps) > 1 else maps
    taps = []
    for tap in product(*(range(k) for k in kernel)):
        rest, at = tuple(zip(*(divmod(t, s)[::-1] for t, s in zip(tap, steps, strict=True)), strict=True))
        left = [n - 1 - a for n, a in zip(spans, at, strict=True)]
        taps.append(cut(parts[rest], at, left) if max(spans) > 1 else parts[rest])
    if many:
        made.append(node("Concat", taps, f"{name}/taps", attribute("axis", 2)))
    rows = into * kernel[0] * kernel[1]
    made.append(whole(f"{name}/rows/size", [0, rows, -1]))
    made.append(node("Reshape", [f"{name}/taps" if many else taps[0], f"{name}/rows/size"], f"{name}/rows"))
    return made, rows, taps[0]
