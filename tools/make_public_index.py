"""Make the index of public sets that ships with the package: python tools/make_public_index.py names.tsv.xz PRINTS.

names.tsv.xz lists the sets whole: file, width, height, file_sha256, pixel_digest. PRINTS is a folder that holds some of
these files under the same names, of which signatures and the digests of whole images (with their frames) are taken;
altered prints get no signature, since the original's recognises them.
"""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath

import pandas as pd

from ridgefeat.audit.known import Look, look_at, pack_index, shorten, write_index
from ridgefeat.sources import PrintSource, recognise
from ridgefeat.sources.find import load

OUTPUT = Path(__file__).resolve().parents[1] / "ridgefeat" / "audit" / "public.index"
SHOWN_EVERY = 500


def main() -> None:
    """Write the index next to the module that reads it."""
    listed = pd.read_csv(sys.argv[1], sep="\t", dtype=str)
    listed["order"] = listed["file"].str.contains("Altered")  # of equal images the original comes first
    listed = listed.sort_values("order", kind="stable").reset_index(drop=True)
    rows, looks = [], []
    for i, one in enumerate(listed.itertuples()):
        path = PurePosixPath(one.file)
        labels = recognise(path)[1]
        is_fvc = path.parts[0].startswith("FVC")
        # Of FVC a database has its own fingers; FCJ2020's databases are impressions of the same ones.
        rows.append({"file": one.file, "set": " ".join(path.parts[:2]) if is_fvc else path.parts[0], **labels})
        digests = dict.fromkeys(shorten(d) for d in (one.pixel_digest, one.file_sha256))
        marks = None
        loaded = load(PrintSource(Path(sys.argv[2]) / one.file, one.file, "plain"))
        if loaded is not None:
            look = look_at(loaded.pixels, marked=not one.order)
            digests |= dict.fromkeys(look.digests)
            marks = look.marks
        looks.append(Look(tuple(digests), marks))
        if i % SHOWN_EVERY == 0:
            print(i, len(listed), flush=True)
    write_index(pack_index(rows, looks), OUTPUT)
    print(f"{OUTPUT}: {OUTPUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
