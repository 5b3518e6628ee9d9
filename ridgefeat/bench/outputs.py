"""A comparison on disk: results.csv, scores.csv, summary.csv, and the other tables that it holds."""

from __future__ import annotations

from pathlib import Path

from ridgefeat.bench.results import Comparison
from ridgefeat.errors import TableError

ALWAYS = ("results", "scores", "summary")
FURTHER = (
    "classes",
    "fused_scores",
    "fused_summary",
    "pairs",
    "learning",
    "importances",
    "ablation",
    "carriers",
    "levels",
    "controls",
    "epochs",
)


def make_folder(folder: str | Path) -> Path:
    """Return the folder, made where it is not there.

    Raises
    ------
    TableError
        If it cannot be made.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TableError(f"output folder {path} cannot be made: {error.strerror}") from None
    return path


def write_comparison(comparison: Comparison, folder: str | Path) -> list[Path]:
    """Write a comparison's tables as CSV, each under a temporary name first.

    Parameters
    ----------
    comparison : Comparison
    folder : str or Path
        Made where it is not there.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    TableError
        If the folder or a file cannot be written.
    """
    path = make_folder(folder)
    written = []
    for name in (*ALWAYS, *FURTHER):
        frame = getattr(comparison, name)
        if frame is None:
            continue
        target = path / f"{name}.csv"
        temporary = path / f".{name}.csv.part"
        try:
            frame.to_csv(temporary, index=False, lineterminator="\n")
            temporary.replace(target)
        except OSError as error:
            raise TableError(f"{target} cannot be written: {error.strerror}") from None
        written.append(target)
    return written
