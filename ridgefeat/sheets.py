"""Excel sheets read and written, and the dialects of CSV in which commands write their tables.

A spreadsheet evaluates a text cell that begins like a formula. In CSV such a cell is prefixed with an apostrophe, which
`tabular` removes when it reads the file; in a sheet it is marked as text. See OWASP, "CSV injection".
"""

from __future__ import annotations

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ridgefeat.files import first_line, size_text

if TYPE_CHECKING:
    import pandas as pd

MAX_SHEET_BYTES = 1 << 29
"""Maximum size of an .xlsx file's content, unpacked, and of its first sheet as text."""
MAX_ROWS, MAX_COLUMNS, MAX_CHARACTERS = 1_048_576, 16_384, 32_767
"""What a sheet and one of its cells hold (ECMA-376)."""
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""Beginning of a cell that a spreadsheet may evaluate, full-width characters included, after any apostrophes."""
_MERGED = re.compile(rb'<mergeCell ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')


def escape_formula(cell: str) -> str:
    """Return a cell, with an apostrophe in front if it begins like a formula, or like one that has been escaped.

    Examples
    --------
    >>> escape_formula("=1+1"), escape_formula("'=1+1"), escape_formula("left")
    ("'=1+1", "''=1+1", 'left')
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unescape_formula(cell: str) -> str:
    """Return the cell that `escape_formula` was given.

    Examples
    --------
    >>> unescape_formula("'=1+1"), unescape_formula("'s-Hertogenbosch")
    ('=1+1', "'s-Hertogenbosch")
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def map_texts(column: Any, change: Callable[[str], str]) -> Any:
    """Return a pandas column with `change` applied to its texts; the column itself if that changes nothing."""
    if column.dtype.kind in "biufcmM":
        return column
    changed = {v: new for v in column.unique() if isinstance(v, str) and (new := change(v)) != v}
    if not changed:
        return column
    return column.astype(object).map(lambda v: changed.get(v, v)).astype(column.dtype.name)


@dataclass(frozen=True)
class CsvDialect:
    """How a command writes its CSV files."""

    separator: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    escapes: bool = True

    def texts(self, cells: Iterable[str]) -> list[str]:
        """Return text cells as they are written to the file."""
        return [escape_formula(c) for c in cells] if self.escapes else list(cells)

    def write(self, frame: pd.DataFrame, target: Any, *, header: bool = True) -> None:
        """Write a frame to a path or text stream."""
        if self.escapes:
            frame = frame.copy()
            for name in frame.columns:
                frame[name] = map_texts(frame[name], escape_formula)
            frame.columns = self.texts(map(str, frame.columns))
        how: dict[str, Any] = {"sep": self.separator, "decimal": self.decimal, "encoding": self.encoding}
        frame.to_csv(target, index=False, lineterminator="\n", header=header, **how)


DIALECTS = {"standard": CsvDialect(), "semicolon": CsvDialect(";", ",", "utf-8-sig"), "raw": CsvDialect(escapes=False)}
"""By name: commas and decimal points; semicolons, decimal commas and a byte-order mark, as European spreadsheets do;
as standard, but without escaping cells that begin like formulas."""


def sheet_as_csv(path: Path, kind: type[Exception], where: str) -> tuple[str, str]:
    """Return an .xlsx file's first sheet as CSV, and its name in words if there are others."""
    openpyxl = import_openpyxl(kind, where)
    out, size = io.StringIO(), 0
    writer = csv.writer(out, lineterminator="\n")
    try:
        with path.open("rb") as file, warnings.catch_warnings(action="ignore"):  # openpyxl's, on styles and the like
            if sum(entry.file_size for entry in zipfile.ZipFile(file).infolist()) > MAX_SHEET_BYTES:
                raise kind(f"{where} holds more than {size_text(MAX_SHEET_BYTES)}; save it as CSV")
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # the size that the file declares is not trusted
            for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
                cells = [escape_formula(cell_text(v)) if isinstance(v, str) else cell_text(v) for v in row]
                size += sum(map(len, cells)) + len(cells)
                if size > MAX_SHEET_BYTES or number > MAX_ROWS:
                    raise kind(f"{where} holds more than a sheet of {size_text(MAX_SHEET_BYTES)}; save it as CSV")
                if any(cells):
                    writer.writerow(cells)
        _check_merged(path, sheet, kind, where)
        name = f"sheet {sheet.title!r}, the first of {len(book.worksheets)}" if len(book.worksheets) > 1 else ""
    except (kind, OSError):
        raise
    except Exception as error:  # a foreign file in the hands of a library: anything
        raise kind(f"{where} is not an .xlsx file: {first_line(error)}") from None
    return out.getvalue(), name


def _check_merged(path: Path, sheet: Any, kind: type[Exception], where: str) -> None:
    """Raise an error of `kind` for cells merged over rows: only the first of them has the value."""
    with zipfile.ZipFile(path) as packed, packed.open(sheet._worksheet_path) as file:
        end = b""
        while block := file.read(1 << 20):
            for first, top, last, bottom in _MERGED.findall(end + block):
                if top != bottom:
                    cells = b"%b%b:%b%b" % (first, top, last, bottom)
                    raise kind(f"{where}: cells {cells.decode()} are merged; unmerge them, with the value in each")
            end = block[-80:]


def cell_text(value: Any) -> str:
    """Return a cell of a sheet as text: whole numbers without a decimal point, dates as ISO 8601 has them."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value).removesuffix(" 00:00:00").strip()


def import_openpyxl(kind: type[Exception], where: str | Path) -> Any:
    """Return openpyxl; raise an error of `kind`, which says how to get it, without it."""
    try:
        import openpyxl
    except ImportError:
        raise kind(f"{where}: .xlsx needs openpyxl: pip install 'ridgefeat[excel]'; or use CSV") from None
    return openpyxl


def check_sheet_size(path: Path, rows: int, columns: int, kind: type[Exception]) -> None:
    """Raise an error of `kind` if so many rows, below a header, and columns do not fit into an .xlsx file."""
    import_openpyxl(kind, path)
    if rows >= MAX_ROWS or columns > MAX_COLUMNS:
        most = f"{MAX_ROWS - 1:,} and {MAX_COLUMNS:,}; write .csv or .parquet"
        raise kind(f"{path}: {rows:,} rows and {columns:,} columns are more than an .xlsx file holds, {most}")


def write_sheet(path: Path, rows: Iterable[Sequence[Any]], kind: type[Exception]) -> None:
    """Write rows of numbers, text and None (missing) as an .xlsx file; text is never taken for a formula."""
    openpyxl = import_openpyxl(kind, path)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("table")
    for row in rows:
        sheet.append([_cell(openpyxl, sheet, v, kind) if isinstance(v, str) else v for v in row])
    book.save(path)


def _cell(openpyxl: Any, sheet: Any, value: str, kind: type[Exception]) -> Any:
    if len(value) > MAX_CHARACTERS:
        raise kind(f"{value[:40]!r}… has {len(value):,} characters, an .xlsx cell {MAX_CHARACTERS:,}; write .csv")
    if not value.startswith("#") and not _FORMULA.match(value):
        return value or None
    cell = openpyxl.cell.WriteOnlyCell(sheet, value)
    cell.data_type = "s"
    cell.quotePrefix = True  # stays text when somebody edits it
    return cell


def write_frame(frame: pd.DataFrame, target: Path, dialect: str, kind: type[Exception], name: Path) -> None:
    """Write a frame to a file that is to have a name in the end: .xlsx, or else CSV in a dialect of DIALECTS."""
    if name.suffix.lower() != ".xlsx":
        DIALECTS[dialect].write(frame, target)
        return
    check_sheet_size(name, *frame.shape, kind)
    cells = frame.astype(object).where(frame.notna(), None)
    write_sheet(target, [list(frame.columns), *cells.itertuples(index=False, name=None)], kind)
