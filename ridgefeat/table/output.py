"""Rows that pass by, to a table on disk: whole under its name, or not there at all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ridgefeat.errors import TableError
from ridgefeat.features import Column
from ridgefeat.structure import Float
from ridgefeat.table import dataset, sidecar
from ridgefeat.table.cells import META_KINDS, Kind
from ridgefeat.table.manifest import file_digest, json_bytes
from ridgefeat.table.parts import flushed, move, write_whole
from ridgefeat.table.store import check_destination, is_folder
from ridgefeat.table.summary import Summary
from ridgefeat.table.writers import import_pyarrow, is_parquet, open_writer


def check_output(output: str | Path, mode: str) -> None:
    """Raise TableError if no table can be written there in this mode ("new" or "overwrite")."""
    if is_folder(output):
        import_pyarrow()
        dataset.check_folder(Path(output), mode)
    else:
        if is_parquet(Path(output)):
            import_pyarrow()
        check_destination(Path(output), mode)


def _column(record: Mapping[str, Any]) -> Column:
    """Return a column as a sidecar describes it; what a table's file needs of it."""
    unit, meaning = (str(record.get(k, "")) for k in ("unit", "meaning"))
    return Column(record["name"], unit, float("-inf"), float("inf"), meaning)


class Output:
    """A table that rows are added to; it gets its name, and its sidecar, when the block ends well.

    Parameters
    ----------
    output : path
        .csv, .parquet, or a folder for parts.
    labels : mapping of str to kind
        Label columns and their types.
    about : mapping
        What the sidecar is to say besides counts and digests; holds the columns.
    """

    def __init__(self, output: str | Path, labels: Mapping[str, Kind], about: Mapping[str, Any]) -> None:
        self.folder = is_folder(output)
        self.path = Path(output)
        self.about = about
        self.summary = Summary(
            self.path, self.path / sidecar.MANIFEST if self.folder else sidecar.path_beside(self.path)
        )
        self._kinds = {**META_KINDS, **labels}
        self._columns = [_column(c) for c in about["columns"]]
        self._temporary = self.path.with_name(f".{self.path.name}.tmp")
        self._parts: list[dict[str, Any]] = []
        self._rows = 0
        self._stack = ExitStack()

    def __enter__(self) -> Output:
        if self._temporary.is_dir():
            shutil.rmtree(self._temporary)
        if self.folder:
            self._temporary.mkdir()
        self._begin()
        return self

    def write(self, cells: Sequence[list[str]], features: Float) -> None:
        """Add rows: meta and label cells as text, and features."""
        for row, values in zip(cells, features, strict=True):
            if self.folder and self._rows == dataset.PART_ROWS:
                self._end_part()
                self._begin()
            self._writer.write(row, values)
            self._rows += 1
            meta = dict(zip(META_KINDS, row, strict=False))
            self.summary.add(meta)

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        try:
            if error is None:
                self._finish()
            else:
                self._writer.close()
        except OSError as failure:
            raise TableError(f"table {self.path} cannot be written: {failure.strerror or failure}") from None
        finally:
            if self._temporary.is_dir():
                shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary.unlink(missing_ok=True)

    def _begin(self) -> None:
        self._file = self._temporary
        if self.folder:
            self._file = self._temporary / f"part-{len(self._parts):06d}.parquet"
        self._rows = 0
        parquet = self.folder or is_parquet(self.path)
        self._writer = open_writer(self._file, parquet, self._kinds, self._columns)

    def _end_part(self) -> None:
        self._writer.close()
        flushed(self._file)
        digest = file_digest(self._file)
        named = self._file.with_name(f"{self._file.stem}-{digest[:12]}.parquet")
        self._file.rename(named)
        self._parts.append({"file": named.name, "rows": self._rows, "bytes": named.stat().st_size, "sha256": digest})

    def _finish(self) -> None:
        content = {"format": sidecar.FORMAT, **self.about, **self.summary.counts()}
        if not self.folder:
            self._writer.close()
            flushed(self._temporary)
            content["table"] = {"file": self.path.name, "sha256": file_digest(self._temporary)}
            move(self._temporary, self.path)
            write_whole(self.summary.sidecar, json_bytes(content))
            return
        self._end_part()
        content["parts"] = self._parts
        self.path.mkdir(exist_ok=True)
        dataset.Dataset(self.path).clear()
        shutil.rmtree(self.path / dataset.WORK, ignore_errors=True)
        for part in self._parts:
            move(self._temporary / part["file"], self.path / part["file"])
        write_whole(self.summary.sidecar, json_bytes(content))
