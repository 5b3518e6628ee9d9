"""Tables as people have them, read in one way: CSV in any dialect, .xlsx and Parquet.

`open_table` looks at the first lines and finds separator, decimal sign and encoding; `Table.frames` then reads all rows
with pandas. What differs from plain CSV in UTF-8 is logged in one line, which the commands print.
"""

from __future__ import annotations

import codecs
import csv
import io
import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ridgefeat.files import (
    MISSING_WORDS,
    count_of,
    exact_numbers,
    first_few,
    first_line,
    import_pyarrow,
    os_errors_as,
    size_text,
)
from ridgefeat.sheets import map_texts, sheet_as_csv, unescape_formula

if TYPE_CHECKING:
    import pandas as pd

LOG = logging.getLogger("ridgefeat")
MAX_SAMPLE, MAX_HEADER = 1 << 18, 1 << 24
"""Characters from which a dialect is found; and at most, where the first line is longer."""
SAMPLE_ROWS, MAX_COLUMNS = 50, 10_000
"""Rows from which a dialect is found; maximum columns of a text table, as each takes half a millisecond."""
FREE_CELLS, MAX_CELLS_PER_BYTE = 10_000_000, 16
"""Maximum cells of a Parquet file, in all and per byte of it: an encoding can claim any number of equal cells in a few
bytes. A feature table in which nothing could be measured has eight per byte."""
MAX_SMALL_BYTES = 64 << 20
"""Maximum size of a table with a row per column or per phantom."""
SEPARATORS = {"\t": "tab", ";": "`;`", "|": "`|`", ",": "`,`", r"\s+": "spaces"}
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?", re.IGNORECASE | re.ASCII)
_COMMA = re.compile(r"[-+]?\d*,\d+(e[-+]?\d+)?", re.IGNORECASE | re.ASCII)
_POINT = re.compile(r"[-+]?\d*\.\d+(e[-+]?\d+)?", re.IGNORECASE | re.ASCII)
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}([.,' \u00a0\u202f]\d{3})+([.,]\d+)?")
_SMALL = re.compile(r"[-+]?[1-9][0-9]{0,2}")
_TOO_MANY_CELLS = "rows have more cells than the header"
_DATE = re.compile(r"\d+[-./ ]\d+[-./ ]\d+.*|\d+[-. ]+[^\W\d]{3,}\.?.*|[^\W\d]{3,}\.?[-. ]+\d+")


def is_number(cell: str, decimal: str = ".") -> bool:
    """Whether a cell is a number in digits."""
    return _NUMBER.fullmatch(cell if decimal == "." else cell.replace(".", "x").replace(decimal, ".")) is not None


def find_thousands(cells: Sequence[str]) -> str:
    """Return the first cell with a comma or point if all of them may separate thousands, else "".

    They may if there are also whole numbers from 1 to 999, such as "912", which need no separator.
    """
    marked = [c for c in cells if "," in c or "." in c]
    may_be = any(map(_SMALL.fullmatch, cells)) and all(map(_THOUSANDS.fullmatch, marked))
    return marked[0] if marked and may_be else ""


def point_decimals(cells: Sequence[str], separator: str = "") -> list[str]:
    """Return a column's cells with decimal points, if all are numbers and some have a decimal comma; else as they are.

    Cells such as "1,234" may be thousands where a comma separates the columns or others are as "512", and stay text.
    """
    commas = [c for c in cells if "," in c]
    if not commas or not all(map(_COMMA.fullmatch, commas)):
        return list(cells)
    if all(map(_THOUSANDS.fullmatch, commas)) if separator == "," else find_thousands(cells):
        return list(cells)
    others = {c for c in cells if "," not in c and c not in MISSING_WORDS and c}
    return [c.replace(",", ".") for c in cells] if all(c.lstrip("+-").isdigit() for c in others) else list(cells)


@dataclass(frozen=True)
class Table:
    """A table of text, opened: how it is written, and its first rows.

    `kind` is the kind of its errors, `where` what messages call it. `head` are the first rows as stripped cells, header
    included; `names` the columns, which are the first row unless `with_names` said otherwise. `skipped` counts the
    lines above the first row: `sep=;`, as some programs write, and those that begin with #. `content` is an .xlsx
    file's first sheet as CSV. Where it `is_padded`, a space follows each separator.
    """

    path: Path
    kind: type[Exception]
    where: str
    separator: str
    decimal: str
    encoding: str
    head: list[list[str]]
    names: list[str]
    has_header: bool = True
    skipped: int = 0
    content: str | None = None
    sheet: str = ""
    is_padded: bool = False

    @property
    def words(self) -> str:
        """How the file is understood where it is not plain CSV; else empty."""
        found = [self.sheet] if self.sheet else []
        if self.separator not in (",", r"\s+") and len(self.head[0]) > 1 and self.content is None:
            found.append(f"separator {SEPARATORS[self.separator]}")
        if self.decimal == ",":
            found.append("decimal comma")
        if self.skipped:
            found.append(f"{count_of(self.skipped, 'line')} above it left out")
        if self.encoding != "utf-8-sig":
            found.append({"cp1252": "Windows-1252 (it is not UTF-8)"}.get(self.encoding, self.encoding.upper()))
        return ", ".join(found)

    def with_names(self, names: Sequence[str], *, has_header: bool) -> Table:
        """Return the table with other names of columns, or without a header row."""
        return replace(self, names=list(names), has_header=has_header)

    def rename(self, known: Iterable[str]) -> Table:
        """Return the table with names spelt as `known` spells them where only capitals differ; refuse doubled names."""
        return replace(self, names=match_names(self.head[0], known, self.where, self.kind))

    def frames(
        self,
        numbers: Collection[str] = (),
        *,
        columns: Sequence[str] = (),
        repeated: Collection[str] = (),
        dtype: Any = "float64",
        rows: int | None = None,
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows, all at once or at most `rows` at a time: `numbers` as `dtype`, other columns as text.

        Missing words (files.MISSING_WORDS) among numbers become NaN. `columns` are those to read (all without),
        `repeated` those of text with few different values, which are then read as categories. Raises the table's kind
        of error, with row and column, if a cell is not a number or rows have too many cells.
        """
        import pandas as pd

        if self.has_header and any(len(row) > len(self.names) for row in self.head[1:2]):  # pandas would take very long
            raise self.kind(f"{self.where} is not a table: {_TOO_MANY_CELLS}")
        names = list(columns) or self.names
        # With a choice of columns pandas would not notice a row of too many cells.
        chosen = {"usecols": names} if len(names) < len(self.names) else {}
        types = {n: dtype if n in numbers else "category" if n in repeated else str for n in names}
        try:
            read = self._read(dtype=types, chunksize=rows, **chosen)
            for raw in [read] if isinstance(read, pd.DataFrame) else read:
                # A row with more cells than the header has makes pandas take the first ones for names of rows.
                if not isinstance(raw.index, pd.RangeIndex):
                    raise ValueError(_TOO_MANY_CELLS)
                raw.index = pd.RangeIndex(len(raw))
                found = _without_blank_end(raw)[names]
                pairs = [(text := found[n], map_texts(text, unescape_formula)) for n in names if n not in numbers]
                yield found.assign(**{str(old.name): new for old, new in pairs if new is not old})
        except (ValueError, OverflowError, csv.Error) as error:  # what pandas' parser raises are ValueErrors
            raise self.kind(f"{self.where}{self._reason(error, numbers)}") from None

    def frame(self, numbers: Collection[str] = (), *, max_rows: int) -> pd.DataFrame:
        """Return all rows: text stripped, never missing, numbers with a decimal point. Refuse more than `max_rows`."""
        import pandas as pd

        found = list(islice(self.frames(numbers, rows=max_rows), 2))
        if len(found) > 1:
            raise self.kind(f"{self.where}: more than {max_rows} rows")
        frame = found[0] if found else pd.DataFrame(columns=self.names, dtype=object)
        texts = {n: frame[n].fillna("").str.strip().tolist() for n in self.names if n not in numbers}
        return frame.assign(**{n: point_decimals(cells, self.separator) for n, cells in texts.items()})

    def _read(self, **how: Any) -> Any:
        import pandas as pd

        missing = {n: ["", *MISSING_WORDS] for n, kind in how["dtype"].items() if kind not in (str, "category")}
        return pd.read_csv(
            self.path if self.content is None else io.StringIO(self.content),
            **how,
            **exact_numbers(pd.__version__),
            names=self.names,
            header=0 if self.has_header else None,
            skiprows=self.skipped,
            sep=self.separator,
            decimal=self.decimal,
            encoding=self.encoding,
            compression=None,
            skipinitialspace=self.is_padded,
            keep_default_na=False,
            na_values=missing,
            low_memory=False,
        )

    def _reason(self, error: Exception, numbers: Collection[str]) -> str:
        """Return how a message goes on: row, column and value of a cell that is not a number, or the parser's words."""
        import pandas as pd

        at = 0
        with suppress(ValueError):  # a row or byte further down that cannot be read either
            for texts in self._read(dtype=dict.fromkeys(self.names, str), chunksize=1024) if numbers else ():
                for name in (n for n in self.names if n in numbers):
                    cells = texts[name].fillna("").str.strip()
                    digits = cells.str.replace(".", "x", regex=False) if self.decimal == "," else cells
                    values = pd.to_numeric(digits.str.replace(self.decimal, ".", regex=False), errors="coerce")
                    bad = (values.isna() & ~cells.isin(["", *MISSING_WORDS])).to_numpy().nonzero()[0]
                    if len(bad):
                        return f", {not_a_number(at + int(bad[0]) + 1, name, cells.iloc[bad[0]])}"
                at += len(texts)
        reason = first_line(error)  # the parser's own words where a choice of columns is read
        return f" is not a table: {_TOO_MANY_CELLS if 'passed names' in reason else reason}"


def _without_blank_end(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame without the empty rows at its end that spreadsheets write."""
    if not len(frame) or not all(v == "" or v != v for v in frame.iloc[-1]):
        return frame
    filled = (frame.notna() & (frame != "")).any(axis=1).to_numpy().nonzero()[0]
    return frame.iloc[: filled[-1] + 1 if len(filled) else 0]


def not_a_number(row: int, column: str, value: str) -> str:
    """Return the message on a cell that should hold a number, with what may have happened to it."""
    hint = ""
    if _THOUSANDS.fullmatch(value):
        hint = " (thousands separators? write digits without them)"
    elif _DATE.fullmatch(value):
        hint = " (a date? spreadsheets make dates of numbers; go back to the original file)"
    return f"row {row}, column {column!r}: {value[:40]!r} is not a number{hint}"


def match_names(names: Sequence[str], known: Iterable[str], where: str, kind: type[Exception]) -> list[str]:
    """Return a header's names stripped, spelt as `known` where only capitals differ; refuse those that occur twice.

    A column without a name is called "(column 3)".
    """
    spelt = {name.casefold(): name for name in known}
    found = [spelt.get(n.strip().casefold(), n.strip()) or f"(column {i})" for i, n in enumerate(names, 1)]
    if twice := next((name for name, count in Counter(found).items() if count > 1), None):
        places = [f"{n.strip()!r} (column {i})" for i, n in enumerate(names, 1) if found[i - 1] == twice]
        given = " and ".join(places[:3])
        raise kind(f"{where}: {twice!r} occurs twice among its columns: {given}; rename or remove one")
    return found


def open_text_table(path: Path, kind: type[Exception], where: str, *, advice: str = "save it as CSV") -> Table:
    """Return a small text table or .xlsx file opened for reading, with its dialect logged; Parquet is refused.

    Raises an error of `kind`, whose message begins with `where`, also if the file cannot be read.
    """
    with os_errors_as(kind, f"{where} cannot be read"):
        table = open_table(path, kind, where, max_bytes=MAX_SMALL_BYTES)
    if table is None:
        raise kind(f"{where} is Parquet; {advice}")
    log_dialect(table)
    return table


def open_table(path: Path, kind: type[Exception], where: str, *, max_bytes: int) -> Table | None:
    """Return a text table or .xlsx file opened for reading; None for Parquet, which read_parquet reads.

    Raises an error of `kind`, whose message begins with `where`, if there is no such file, it is too large, or no text.
    An OSError is the caller's to report.
    """
    if not path.is_file():
        raise kind(f"{where}: no such file, or not a regular one")
    if (size := path.stat().st_size) > max_bytes:
        raise kind(f"{where}: {size} bytes are more than the {max_bytes} that are read")
    with path.open("rb") as file:
        magic = file.read(8)
    if magic.startswith(b"PAR1"):
        return None
    for start, what in ((b"\xd0\xcf\x11\xe0", "an old Excel file (.xls)"), (b"\x1f\x8b", "compressed by gzip")):
        if magic.startswith(start):
            raise kind(f"{where} is {what}; save it as .xlsx or CSV")
    content, sheet, encoding = None, "", "utf-8-sig"
    if magic.startswith(b"PK\x03\x04"):
        content, sheet = sheet_as_csv(path, kind, where)
        sample = _sample(io.StringIO(content))
    else:
        encoding = _encoding(path, kind, where)
        errors = "replace" if encoding == "cp1252" else "strict"
        with path.open(encoding=encoding, errors=errors, newline="") as file:
            sample = _sample(file)
    if not sample.strip():
        raise kind(f"{where} is empty")
    _check_width(1 + max(map(re.split(r"[\r\n]", sample, maxsplit=1)[0].count, SEPARATORS)), kind, where)
    hint = re.match(r"(#.*\r?\n)+|sep=(.)\r?\n", sample, re.IGNORECASE)
    sample, skipped = (sample[hint.end() :], hint[0].count("\n")) if hint else (sample, 0)
    given = "," if content else hint[2] if hint and hint[2] in SEPARATORS else None
    separator, head = _separator(sample, given)
    sign = " " if separator == r"\s+" else separator
    _check_width(1 + max(line.count(sign) for line in sample.splitlines()[:SAMPLE_ROWS]), kind, where)
    cells = [c for row in head for c in row]
    commas = [c for c in cells if _COMMA.fullmatch(c) and not (separator == "," and _THOUSANDS.fullmatch(c))]
    decimal = "," if len(commas) > sum(_POINT.fullmatch(c) is not None for c in cells) else "."
    padded = f"{separator} " in sample.lstrip().partition("\n")[0]
    form = (separator, decimal, encoding)
    return Table(path, kind, where, *form, head, head[0], True, skipped, content, sheet, padded)


def _encoding(path: Path, kind: type[Exception], where: str) -> str:
    """Return a file's encoding: by its byte-order mark; else UTF-8 if every byte fits, or Windows-1252."""
    with path.open("rb") as file:
        start = file.read(256)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        # Text of mostly Latin letters without a mark has a zero in every second byte.
        odd, even = start[1::2].count(0), start[::2].count(0)
        if len(start) >= 8 and abs(odd - even) > len(start) // 4:
            return "utf-16-le" if odd > even else "utf-16-be"
        decoder: codecs.IncrementalDecoder = codecs.getincrementaldecoder("utf-8")()
        encoding = "utf-8-sig"
        file.seek(0)
        while block := file.read(1 << 20):
            if b"\0" in block:
                raise kind(f"{where} is not a table: it holds zero bytes; give CSV, .xlsx or Parquet")
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                encoding = "cp1252"
                decoder = codecs.getincrementaldecoder("cp1252")("replace")
    return encoding


def _check_width(cells: int, kind: type[Exception], where: str) -> None:
    if cells > MAX_COLUMNS:
        raise kind(f"{where} has rows of {cells:,} cells, more than the {MAX_COLUMNS:,} that are read; use Parquet")


def _sample(file: IO[str]) -> str:
    """Return the first complete lines, at least two."""
    try:
        text = file.read(MAX_SAMPLE)
        if len(text) == MAX_SAMPLE and len(text.splitlines()) < 3:
            text += file.read(MAX_HEADER)
    except UnicodeError:
        return "\ufffd"
    cut = max(text.rfind("\n"), text.rfind("\r"))
    return text[: cut + 1] if len(text) >= MAX_SAMPLE and len(text.splitlines()) > 2 else text


def _rows(text: str, separator: str) -> list[list[str]]:
    """Return the first rows as cells, without blank lines."""
    spaced = separator == r"\s+"
    stream = io.StringIO(text.replace("\t", " ") if spaced else text, newline="")
    reader = csv.reader(stream, delimiter=" " if spaced else separator, skipinitialspace=True)
    rows: list[list[str]] = []
    with suppress(csv.Error):  # a field is too long; the rows read so far decide
        for row in islice((r for r in reader if any(c.strip() for c in r)), SAMPLE_ROWS):
            rows.append([unescape_formula(c.strip()) for c in row if c or not spaced])
    return rows or [[""]]


def _separator(text: str, given: str | None) -> tuple[str, list[list[str]]]:
    """Return what separates columns, and the first rows: the same number of cells in most lines, the first included."""
    if given:
        return given, _rows(text, given)
    found = []
    for separator in ("\t", ";", "|", ","):
        rows = _rows(text, separator)
        if len(rows[0]) > 1:
            found.append((sum(len(r) == len(rows[0]) for r in rows) / len(rows), separator, rows))
    spaced = _rows(text, r"\s+")
    if len(spaced) > 1 and {len(r) for r in spaced[1:]} == {len(spaced[0]) + 1}:
        spaced[0].insert(0, "")  # R writes no name above the names of rows
    even = len(spaced[0]) > 1 and all(len(r) == len(spaced[0]) for r in spaced)
    if not found:
        return (r"\s+", spaced) if even else ("\t", _rows(text, "\t"))
    _, separator, rows = max(found, key=lambda f: f[0])
    # Commas between digits alone, and as many words in every line: "1 0,93".
    if separator == "," and even and not re.search(r"(?<!\d),|,(?!\d)", "\n".join(map(" ".join, spaced))):
        return r"\s+", spaced
    return separator, rows


def read_parquet(
    paths: Sequence[Path], kind: type[Exception], where: str, columns: Any = None, *, max_bytes: int, max_rows: int
) -> pd.DataFrame:
    """Return Parquet files with the same columns, one below the other; `columns` picks from their names.

    Raises an error of `kind` if one is not a Parquet file, they do not fit together, or hold more than is read.
    """
    pa, _ = import_pyarrow(kind, where)
    tables, size, rows = [], 0, 0
    try:
        for path in paths:
            with open_parquet(path, kind) as file:
                names = [n for n in file.schema_arrow.names if not n.startswith("__index_level_")]  # numbers of rows
                match_names(names, (), where, kind)
                chosen = columns(names) if columns else names
                share = len(chosen) / max(1, file.metadata.num_columns)
                for group in map(file.metadata.row_group, range(file.num_row_groups)):
                    size += int(share * group.total_byte_size)
                    rows += group.num_rows
                if size > max_bytes or rows > max_rows:
                    raise kind(f"{where} holds {rows:,} rows in {size_text(size)}, more than is read; take a sample")
                tables.append(file.read(columns=chosen))
        whole = pa.concat_tables(tables)
        whole.validate(full=True)  # text that is not UTF-8 would fail when it is first used
        frame: pd.DataFrame = whole.to_pandas(ignore_metadata=True)
    except (pa.ArrowException, ValueError, OSError) as error:
        raise kind(f"{where} is not a Parquet file: {first_line(error)}") from None
    return frame


def open_parquet(path: Path, kind: type[Exception]) -> Any:
    """Return a Parquet file opened by pyarrow; raise an error of `kind` if it has far more cells than bytes, or lists.

    What the file says about single column chunks is not asked for: pyarrow ends the process if it is damaged.
    """
    pa, parquet = import_pyarrow(kind, path)
    file, size = parquet.ParquetFile(path), path.stat().st_size
    if nested := [f.name for f in file.schema_arrow if pa.types.is_nested(f.type)]:
        file.close()
        raise kind(f"{path} has columns of lists or structures ({name_columns(nested)}); leave them out")
    rows = sum(file.metadata.row_group(i).num_rows for i in range(file.num_row_groups))
    cells = file.metadata.num_columns * rows
    if cells > FREE_CELLS + MAX_CELLS_PER_BYTE * size:
        file.close()
        raise kind(f"{path} claims {cells:,} cells in {size:,} bytes, far more than tables do; save it as CSV")
    return file


def log_dialect(table: Table) -> None:
    """Log how a table was understood, if it is not plain CSV."""
    if table.words:
        LOG.info("%s is read with %s.", table.where, table.words)


def name_columns(names: Sequence[str]) -> str:
    """Return a list of columns for a message."""
    return first_few([n[:40] for n in names], 8)
