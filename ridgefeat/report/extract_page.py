"""A feature table as a page to look at: one HTML file that needs no network and runs no script.

write_extract_page("features.csv", "features.html", images_root="prints/")
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgefeat.errors import TableError
from ridgefeat.params import Params
from ridgefeat.report import page_pictures
from ridgefeat.report.distributions import MOST_GROUPS, as_text, choose_groups, distribution, number
from ridgefeat.report.page import render_page, write_page
from ridgefeat.stages.flags import MEANINGS
from ridgefeat.table import load_sidecar, read_table
from ridgefeat.table.store import file_digest

if TYPE_CHECKING:
    import pandas as pd

KEY_COLUMNS = {
    "ridge_period_mean": "Ridge period",
    "ridge_density_mean": "Ridge density",
    "ridge_density_radial": "Thumb-side density",
    "ridge_thickness_ratio": "Ridge to valley breadth",
    "ridge_area": "Area",
    "orient_coherence_mean": "Coherence",
    "orient_curvature_mean": "Curvature",
    "gabor_anisotropy_mean": "Gabor anisotropy",
    "minutiae_count": "Minutiae",
    "minutiae_density": "Minutiae density",
    "minutiae_quality_mean": "Quality of minutiae",
    "quality_ocl_mean": "Orientation certainty",
}
"""What the page draws, as far as the table has it, and in which words."""

LISTED = ("ridge_period_mean", "ridge_density_mean", "orient_coherence_mean", "minutiae_count", "quality_ocl_mean")
MOST_LISTED, MOST_NAMED, MOST_VALUES = 200, 5, 8

OTHER_FLAGS = {
    "outlier": "unlike the rest of its set in scale, size or number of minutiae",
    "resolution_assumed": "nobody says the resolution; 500 dpi was taken",
    "header_resolution_ignored": "the file's own resolution is not credible; 500 dpi was taken",
    "name_not_in_layout": "the file's name does not fit the layout, so it gave no labels",
    "not_in_index": "the index does not list this file",
    "first_page_only": "the file has several pages; the first was read",
    "alpha_ignored": "the image is wholly transparent; its transparency was ignored",
}

LABEL_MEANINGS = {
    "subject": "whom (or, in sets that do not say, which finger) the print is from; a split must keep it together",
    "sex": "what the source recorded, not what the print shows",
    "hand": "left or right, as recorded",
    "finger": "which finger, as recorded",
    "impression": "which print of the same finger",
    "alteration": "how the image was altered on purpose",
    "level": "how strongly it was altered",
    "pattern": "pattern class, as recorded",
    "pattern_class": "pattern class, as recorded",
    "noise_level": "how poor the print was made: 0 clean to 3 poor",
    "simulated": "yes: the print was made by a program and belongs to nobody",
}


def write_extract_page(
    table_path: str | Path,
    out_html: str | Path,
    *,
    images_root: str | Path | None = None,
    by: str | None = None,
    title: str | None = None,
) -> Path:
    """Write a page about a feature table.

    Parameters
    ----------
    table_path : str or Path
        The table, with its sidecar beside it.
    out_html : str or Path
        The page to write; an existing one is replaced. The same table and prints give the same bytes.
    images_root : str or Path, optional
        The folder that was extracted. Without it the page has no pictures.
    by : str, optional
        The label by which distributions are split; the first usual one with two to six values without.
    title : str, optional
        The page's heading; the table's name without.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    TableError
        If the table or its sidecar cannot be read, has no label `by`, or the page cannot be written.
    """
    table_path, out_html = Path(table_path), Path(out_html)
    about = load_sidecar(table_path)
    frame = read_table(table_path)
    labels = [c for c in frame.columns if not c.startswith("meta_") and c not in _feature_names(about)]
    if by is not None and by not in labels:
        raise TableError(f"table {table_path} has no label {by!r}; there are: {', '.join(labels) or 'none'}")
    page = {
        "title": title or table_path.name,
        "version": about.get("version", "?"),
        "simulated": _simulated(frame),
        "headline": _headline(frame, about),
        "titles": KEY_COLUMNS,
        "spread": _spread(frame, about, labels, by),
        "rows": _rows(frame, about, labels),
        "flags": _flags(frame),
        "errors": _errors(frame),
        "gaps": _gaps(frame, about),
        "labels": [_label(frame, name) for name in labels],
        "making": _making(about, table_path),
        **page_pictures.gather(frame, about, None if images_root is None else Path(images_root)),
    }
    return write_page(out_html, render_page("extract_page.html", page))


def _feature_names(about: Mapping[str, Any]) -> set[str]:
    return {c["name"] for c in about["columns"]}


def _simulated(frame: pd.DataFrame) -> str:
    """Return "all", "some" or "none": how many of the prints a program made."""
    if "simulated" not in frame.columns or not len(frame):
        return "none"
    made = as_text(frame, "simulated") == "yes"
    return "all" if made.all() else "some" if made.any() else "none"


def _headline(frame: pd.DataFrame, about: Mapping[str, Any]) -> list[dict[str, str]]:
    failed = int((as_text(frame, "meta_error") != "").sum())
    flagged = int((as_text(frame, "meta_flags") != "").sum())
    facts = [
        ("prints", f"{len(frame):,}", "a row each"),
        ("not read", f"{failed:,}", "see meta_error" if failed else "every print gave a row"),
        ("flagged", f"{flagged:,}", "worth a look" if flagged else "nothing amiss"),
    ]
    if "subject" in frame.columns:
        facts.append(("subjects", f"{frame['subject'].nunique():,}", "kept together in any split"))
    families = len(about["families"])
    facts.append(("features", f"{len(about['columns']):,}", f"in {families} famil{'y' if families == 1 else 'ies'}"))
    for name, words, unit in (
        ("ridge_period_mean", "ridge period", "mm, median"),
        ("minutiae_count", "minutiae", "a print, median"),
    ):
        if name in frame.columns and frame[name].notna().any():
            facts.append((words, number(float(frame[name].median())), unit))
    return [{"name": n, "value": v, "note": t} for n, v, t in facts]


def _key_columns(about: Mapping[str, Any], wanted: Sequence[str], least: int) -> list[dict[str, Any]]:
    """Return the wanted columns that the table has; where these are too few, its first ones as well."""
    known = {c["name"]: c for c in about["columns"]}
    chosen = {n: known[n] for n in wanted if n in known}
    for column in about["columns"]:
        if len(chosen) >= least:
            break
        chosen.setdefault(column["name"], column)
    return list(chosen.values())


def _spread(frame: pd.DataFrame, about: Mapping[str, Any], labels: Sequence[str], by: str | None) -> dict[str, Any]:
    label, groups = choose_groups(frame, labels, by)
    counted = Counter(groups[groups != ""].tolist())
    names = sorted(name for name, _ in counted.most_common(MOST_GROUPS))
    columns = _key_columns(about, tuple(KEY_COLUMNS), 6)
    panels = [distribution(c, frame[c["name"]].to_numpy(), groups, names) for c in columns]
    return {
        "by": label,
        "left_out": sum(counted.values()) - sum(counted[n] for n in names),
        "panels": [p for p in panels if p is not None],
    }


def _rows(frame: pd.DataFrame, about: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
    chosen = [n for n in labels if n != "simulated"][:5]
    columns = _key_columns(about, LISTED, 5)
    some = frame.head(MOST_LISTED)
    texts = {n: as_text(some, n).tolist() for n in ["meta_source", *chosen, "meta_flags", "meta_error"]}
    values = {c["name"]: some[c["name"]].tolist() for c in columns}
    rows = [
        {
            "source": texts["meta_source"][i],
            "labels": [texts[n][i] for n in chosen],
            "values": [number(float(values[c["name"]][i])) for c in columns],
            "remark": texts["meta_error"][i] or texts["meta_flags"][i].replace("_", " "),
            "failed": bool(texts["meta_error"][i]),
        }
        for i in range(len(some))
    ]
    units = [{"name": c["name"], "unit": c.get("unit") or ""} for c in columns]
    remarks = any(row["remark"] for row in rows)
    return {"labels": chosen, "columns": units, "rows": rows, "remarks": remarks, "total": len(frame)}


def _flags(frame: pd.DataFrame) -> list[dict[str, Any]]:
    found: dict[str, list[str]] = {}
    for source, flags in zip(as_text(frame, "meta_source"), as_text(frame, "meta_flags"), strict=True):
        for flag in flags.split():
            found.setdefault(flag, []).append(source)
    known = {**MEANINGS, **OTHER_FLAGS}
    return [
        {"name": flag, "meaning": known.get(flag, ""), "count": len(sources), "first": sources[:MOST_NAMED]}
        for flag, sources in sorted(found.items(), key=lambda f: (-len(f[1]), f[0]))
    ]


def _errors(frame: pd.DataFrame) -> list[dict[str, Any]]:
    found: dict[str, list[str]] = {}
    for source, error in zip(as_text(frame, "meta_source"), as_text(frame, "meta_error"), strict=True):
        if error:
            found.setdefault(error, []).append(source)
    ordered = sorted(found.items(), key=lambda f: -len(f[1]))[: MOST_NAMED * 4]
    return [{"reason": e, "count": len(s), "first": s[:MOST_NAMED]} for e, s in ordered]


def _gaps(frame: pd.DataFrame, about: Mapping[str, Any]) -> dict[str, Any]:
    names = [c["name"] for c in about["columns"]]
    empty = frame[names].isna().to_numpy() if names and len(frame) else np.zeros((1, max(1, len(names))), bool)
    often = [name for name, share in zip(names, empty.mean(0), strict=True) if share >= 0.5]
    return {
        "share": 100 * float(empty.mean()),
        "often": often[: MOST_NAMED * 2],
        "more": max(0, len(often) - MOST_NAMED * 2),
    }


def _label(frame: pd.DataFrame, name: str) -> dict[str, Any]:
    counted = Counter(as_text(frame, name).tolist())
    without = counted.pop("", 0)
    some = [] if len(counted) > 3 * MOST_VALUES else sorted(counted.items(), key=lambda v: (-v[1], v[0]))[:MOST_VALUES]
    return {
        "name": name,
        "meaning": LABEL_MEANINGS.get(name, "as the file name or the index gives it"),
        "different": len(counted),
        "values": some,
        "without": without,
    }


def _making(about: Mapping[str, Any], table: Path) -> dict[str, Any]:
    stated = about.get("table") if isinstance(about.get("table"), Mapping) else {}
    digest = str(stated.get("sha256", ""))  # type: ignore[union-attr]
    libraries = about.get("libraries")
    return {
        "command": _command(about.get("command")),
        "families": about["families"],
        "layout": about["layout"],
        "parameters": about.get("parameters_digest", ""),
        "changed": _changed(about["parameters"]),
        "schema": about.get("schema_digest", ""),
        "digest": digest,
        "unchanged": bool(digest) and file_digest(table) == digest,
        "libraries": libraries if isinstance(libraries, Mapping) else {},
    }


def _command(words: Any) -> str:
    return shlex.join(map(str, words)) if isinstance(words, list) and words else "from Python"


def _changed(parameters: Mapping[str, Any]) -> list[str]:
    """Return the parameters that are not at their default, as -s would set them."""
    usual = Params().to_dict()
    return [
        f"{stage}.{name}={value}"
        for stage, given in parameters.items()
        if isinstance(given, Mapping)
        for name, value in given.items()
        if usual.get(stage, {}).get(name) != value
    ]
