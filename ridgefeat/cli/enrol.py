"""`ridgefeat enrol`: prints -> a gallery in one file, to be searched by `ridgefeat identify`."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from ridgefeat.cli import options, talk

BATCH = 512
"""Prints after which what was enrolled is kept."""


@click.command("enrol")
@click.argument("inputs", nargs=-1, required=True, type=options.PATH, metavar="INPUT...")
@options.output(metavar="FILE", help="The gallery: a new file, or one to add to.")
@options.labels
@options.template_format
@options.tuning
@options.jobs
@options.limits
@click.option("--overwrite", is_flag=True, help="Begin the gallery anew.")
@options.json_result
def command(**given: Any) -> None:
    """Enrol prints in a gallery, a file that `ridgefeat identify` searches without reading the images again.

    Inputs are images, templates, or folders of them. Prints that are in the gallery already are passed over, so that a
    run that was interrupted is continued by running it again. Of more than 200 prints, those that are most similar by
    an index of their minutiae are compared with a probe. The file is a SQLite database that only its owner may read.

    \b
    Examples:
      ridgefeat enrol prints/ -o people.gallery
      ridgefeat enrol more/ --index labels.csv -o people.gallery
      ridgefeat identify print.png --gallery people.gallery
    """
    from ridgefeat import verify
    from ridgefeat.cli import Unusable
    from ridgefeat.files import atomic_write, first_few
    from ridgefeat.params import Params
    from ridgefeat.verify.gallery import digest_of, is_gallery

    output, form = Path(given["output"]), given["template_format"]
    reading = {name: given[name] for name in ("regex", "index", "index_column")}
    sources = verify.find_sources(given["inputs"], layout=given["layout"] or "auto", template_format=form, **reading)
    params = options.load_params(given["params_file"], given["assignments"])
    if output.exists() and not is_gallery(output) and output.stat().st_size:
        raise Unusable(f"{output} exists and is no gallery; choose another name")
    anew = given["overwrite"]
    if params is None:
        params = verify.Gallery(output).params if is_gallery(output) and not anew else Params()
    options.start_children(given["jobs"], given["inputs"], "ridgefeat.verify.enrolment")
    failed: list[verify.Entry] = []
    with (
        atomic_write(output, mode=0o600) if anew else nullcontext(output) as path,
        verify.enrol_into(path, params) as gallery,
        talk.progress_bar() as show,
    ):
        digests = [digest_of(source) for source in sources]
        changed = [s.relative for s, d in zip(sources, digests, strict=True) if gallery.known.get(s.relative, d) != d]
        if changed:
            raise Unusable(
                f"{output} holds other prints of these names: {first_few(changed)}; rename them, or enrol anew"
            )
        new = [(s, d) for s, d in zip(sources, digests, strict=True) if s.relative not in gallery.known]
        for first in range(0, len(new), BATCH):
            part = new[first : first + BATCH]
            entries = verify.enrol(
                [s for s, _ in part], params=params, dpi=given["dpi"], jobs=given["jobs"], template_format=form
            )
            for entry, (_, digest) in zip(entries, part, strict=True):
                gallery.add(entry, digest)
                if entry.failure:
                    failed.append(entry)
            gallery.keep()
            if show:
                show(first + len(part), len(failed), len(new))
        total = len(gallery.known)
    there = len(sources) - len(new)
    talk.result(
        {
            "gallery": str(output),
            "prints": total,
            "enrolled": len(new) - len(failed),
            "already_there": there,
            "failed": [{"name": e.name, "reason": e.failure} for e in failed],
        },
        f"{len(new) - len(failed)} prints enrolled, {there} were there, {len(failed)} failed; "
        f"{output} holds {total} prints.",
    )
    for entry in failed[: talk.MAX_SHOWN]:
        talk.echo(f"  {entry.name}: {entry.failure}")
    if failed:
        sys.exit(1)
