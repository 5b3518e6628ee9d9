"""`ridgefeat enrol`: prints -> a gallery in one file, to be searched by `ridgefeat identify`."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

import ridgefeat as rf
from ridgefeat import sources as prints
from ridgefeat import verify
from ridgefeat.cli import Unusable, options, talk
from ridgefeat.files import atomic_write, count_of, first_few

BATCH = 512
"""Prints after which what was enrolled is kept."""


@click.command("enrol")
@click.argument("inputs", nargs=-1, required=True, type=options.PATH, metavar="INPUT...")
@options.output("FILE", "The gallery: a new file, or one to add to.")
@options.labels
@options.template_format
@options.tuning
@options.jobs
@options.limits
@options.option("--overwrite", "Begin the gallery anew.")
@options.json_result
def command(**given: Any) -> None:
    """Enrol prints in a gallery, a file that `ridgefeat identify` searches without reading the images again.

    Inputs are images, templates, or folders of them. Prints that are in the gallery already are passed over, under
    whatever name, so that a run that was interrupted is continued by running it again. Of more than 250 prints, those
    that are most similar by an index of their minutiae are compared with a probe. The file is a SQLite database that
    only its owner may read.

    \b
    Examples:
      ridgefeat enrol prints/ -o people.gallery
      ridgefeat enrol more/ --index labels.csv -o people.gallery
      ridgefeat identify print.png --gallery people.gallery
    """
    from ridgefeat.verify.gallery import digest_of, is_gallery

    output, form = Path(given["output"]), options.pick(given, "template_format")
    sources = verify.find_sources(given["inputs"], **options.pick_naming(given), **form)
    params = options.load_params(given["params_file"], given["assignments"])
    if output.exists() and not is_gallery(output) and output.stat().st_size:
        raise Unusable(f"{output} exists and is not a gallery; choose another name")
    anew = given["overwrite"]
    if params is None:
        params = verify.Gallery(output).params if is_gallery(output) and not anew else rf.Params()
    options.start_children(given["jobs"], given["inputs"], "ridgefeat.verify.enrolment")
    failed: list[verify.Entry] = []
    digests = [digest_of(source) for source in sources]
    copies: list[str] = []
    with (
        atomic_write(output, mode=0o600) if anew else nullcontext(output) as path,
        verify.enrol_into(path, params) as gallery,
        talk.progress_bar() as show,
    ):
        changed = [s.relative for s, d in zip(sources, digests, strict=True) if gallery.known.get(s.relative, d) != d]
        if changed:
            raise Unusable(
                f"{output} holds other prints of these names: {first_few(changed)}; rename them, or enrol anew"
            )
        new: list[tuple[prints.PrintSource, str]] = []
        name_of = {digest: name for name, digest in gallery.known.items()}
        for source, digest in zip(sources, digests, strict=True):
            if source.relative in gallery.known:
                continue
            if digest and (name := name_of.setdefault(digest, source.relative)) != source.relative:
                copies.append(f"{source.relative} (as {name})")
            else:
                new.append((source, digest))
        for first in range(0, len(new), BATCH):
            part = new[first : first + BATCH]
            entries = verify.enrol([s for s, _ in part], params=params, **form, **options.pick(given, "dpi", "jobs"))
            for entry, (_, digest) in zip(entries, part, strict=True):
                gallery.add(entry, digest)
            failed += [entry for entry in entries if entry.failure]
            gallery.keep()
            if show:
                show(first + len(part), len(failed), len(new))
        total = len(gallery.known)
    there = len(sources) - len(new)
    if copies:
        talk.warn(f"the same files are in the gallery under other names, and passed over: {first_few(copies)}")
    kept = {entry.name: entry.labels for entry in verify.Gallery(output).entries}
    if other := [s.relative for s in sources if not s.labels.items() <= kept.get(s.relative, s.labels).items()]:
        talk.warn(
            f"the gallery keeps the labels that it has; other labels were given for {count_of(len(other), 'print')}: "
            f"{first_few(other)}. To change them, enrol with --overwrite."
        )
    if given["dpi"] and there:
        talk.warn(f"--dpi does not change the {count_of(there, 'print')} already there; --overwrite enrols them anew")
    enrolled = len(new) - len(failed)
    counts = {"gallery": str(output), "prints": total, "enrolled": enrolled, "already_there": there}
    talk.result(
        counts | {"failed": [{"name": e.name, "reason": e.failure} for e in failed]},
        f"{count_of(enrolled, 'print')} enrolled, {there} already there, {len(failed)} failed; "
        f"{output} holds {count_of(total, 'print')}.",
    )
    for entry in failed[: talk.MAX_SHOWN]:
        talk.echo(f"  {entry.name}: {entry.failure}")
    if failed:
        sys.exit(1)
