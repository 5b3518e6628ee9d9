"""Search of large galleries: is the right print compared, is it first, and how long does it take?

    python benchmarks/gallery_search.py [--sizes 1000,10000,100000] [--probes 1000]

Gallery: the first impression of each finger of FVC2002 (set B), FVC2004 DB1_B, FCJ2020 and SOCOFing; probes: other
impressions of the first three, altered prints of SOCOFing. Above the number of fingers, templates made from prints of
SOCOFing that no probe is of: each minutia is moved at random (by 12 px and 0.3 rad, one standard deviation). Where the
right print is not among those compared, the probe is compared with the whole gallery (up to 10,000), to see whether an
exhaustive search would have it first. Peers: the same comparator on every print; NBIS mindtct and bozorth3 by nbis-py.
Writes benchmarks/results/gallery_search.md.
"""

from _common import WRONG_LABELS, need, report, table  # isort: skip

import argparse
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from ridgefeat import verify
from ridgefeat.params import Params
from ridgefeat.verify.enrolment import Entry
from ridgefeat.verify.gallery import CANDIDATES, VOTED, enrol_into
from ridgefeat.verify.minutiae import minutiae_scores, prepare

SETS = ("FVC2002/DB1_B", "FVC2002/DB2_B", "FVC2002/DB3_B", "FVC2002/DB4_B", "FVC2004/DB1_B", "FCJ2020")
EXHAUSTIVE = 10_000


def enrolled(name, sample=None, seed=0):
    """Return the entries of a set that could be enrolled, by set and finger, in the order of their names."""
    sources = verify.find_sources([need(name)])
    if sample is not None and sample < len(sources):
        chosen = np.random.default_rng(seed).permutation(len(sources))[:sample]
        sources = [sources[i] for i in sorted(chosen)]
    found = [e for e in verify.enrol(sources) if e.content is not None and Path(e.name).stem not in WRONG_LABELS]
    group = name.split("/")[0] if name.startswith("SOCOFing") else name
    paths = {s.relative: s.path for s in sources}
    return [((group, e.finger), replace(e, name=f"{name}/{e.name}", reread=None), paths[e.name]) for e in found]


def moved(entry, name, rng):
    """Return an entry whose minutiae were moved at random."""
    template = entry.content.template
    m = template.minutiae
    size = len(m)
    x, y = (np.clip(v + rng.normal(0, 12, size), 0, None).astype(np.float32) for v in (m.x, m.y))
    direction = np.mod(m.direction + rng.normal(0, 0.3, size), 2 * np.pi).astype(np.float32)
    return Entry(name, {}, prepare(replace(template, minutiae=replace(m, x=x, y=y, direction=direction))))


def compare_all(gallery, probes):
    """Return the highest score of each probe with every print of a gallery, and the seconds of CPU for one probe."""
    scores, seconds = np.full((len(probes), len(gallery)), -np.inf), 0.0
    for first in range(0, len(gallery), 500):
        part = gallery.load(range(first, min(first + 500, len(gallery))))
        began = time.process_time()
        for row, probe in zip(scores, probes, strict=True):
            row[first : first + len(part)] = minutiae_scores([(probe, reference) for reference in part])
        seconds += time.process_time() - began
    return scores, seconds / max(1, len(probes))


def search(gallery, probes, mates):
    """Return for each probe whether its mate was compared, and was first, and the seconds of CPU of each search."""
    rows = {entry.name: i for i, entry in enumerate(gallery.entries)}
    out = []
    for probe, mate in zip(probes, mates, strict=True):
        began = time.process_time()
        scores = gallery.highest_scores([probe])
        own = scores[rows[mate]]
        out.append((np.isfinite(own), own == scores.max() and np.isfinite(own), time.process_time() - began))
    return np.array(out)


def nbis(references, probes):
    """Return the share of probes whose mate is first for NBIS, and the seconds of CPU of a comparison."""
    try:
        import nbis
    except ImportError:
        return None
    extractor = nbis.new_nbis_extractor(
        nbis.NbisExtractorSettings(
            min_quality=0.0, get_center=False, check_fingerprint=False, compute_nfiq2=False, ppi=None
        )
    )

    def read(path):
        return extractor.extract_minutiae(
            cv2.imencode(".png", cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))[1].tobytes()
        )

    held = [read(path) for path in references]
    first, began, reading = 0, time.process_time(), 0.0
    for path, mate in probes:
        start = time.process_time()
        probe = read(path)
        reading += time.process_time() - start
        scores = np.array([probe.compare(reference) for reference in held])
        first += scores[mate] == scores.max() and (scores == scores.max()).sum() == 1
    return first / len(probes), (time.process_time() - began - reading) / len(probes) / len(held)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--probes", type=int, default=1000)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    cv2.setNumThreads(1)
    prints = [row for name in SETS for row in enrolled(name)]
    fingers = {}
    probes = []
    for finger, entry, path in prints:
        if finger in fingers:
            probes.append((finger, entry, path))
        fingers.setdefault(finger, (entry, path))
    altered = enrolled("SOCOFing/Altered", 400, seed=1)
    wanted = {finger for finger, _, _ in altered}
    real = {finger: (entry, path) for finger, entry, path in enrolled("SOCOFing/Real")}
    fingers |= {f: real[f] for f in real if f in wanted} | {f: real[f] for f in real if f not in wanted}
    probes += [p for p in altered if p[0] in real]
    probes = [probes[i] for i in rng.permutation(len(probes))[: given.probes]]
    sources = [entry for finger, (entry, _) in fingers.items() if finger in real and finger not in wanted]
    names = ("FVC", "FCJ2020", "altered")
    kinds = np.array([next((n for n in names[:2] if f[0].startswith(n)), names[2]) for f, _, _ in probes])
    rows, notes = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prints.gallery"
        done = 0
        for size in map(int, given.sizes.split(",")):
            began = time.process_time()
            with enrol_into(path, Params()) as writer:
                for entry, _ in list(fingers.values())[done:size]:
                    writer.add(entry, entry.name)
                for number in range(max(done, len(fingers)), size):
                    writer.add(moved(sources[number % len(sources)], f"made/{number}", rng), str(number))
            enrolment, done = time.process_time() - began, size
            began = time.process_time()
            gallery = verify.Gallery(path)
            contents, mates = [e.content for _, e, _ in probes], [fingers[f][0].name for f, _, _ in probes]
            gallery.shortlist(contents[0])  # reads the codes
            loading = time.process_time() - began
            there = {entry.name for entry in gallery.entries}
            kept = [i for i, mate in enumerate(mates) if mate in there]
            if size > EXHAUSTIVE:
                kept = kept[:100]
            found = search(gallery, [contents[i] for i in kept], [mates[i] for i in kept])
            lost = [i for i, row in zip(kept, found, strict=True) if not row[0]]
            would = "not measured"
            if size <= EXHAUSTIVE:
                index = {entry.name: i for i, entry in enumerate(gallery.entries)}
                scores, _ = compare_all(gallery, [contents[i] for i in lost])
                own = scores[np.arange(len(lost)), [index[mates[i]] for i in lost]]
                would = int((own == scores.max(1)).sum()) if lost else 0
            seconds, memory = found[:, 2], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            shares = [
                f"{100 * found[kinds[kept] == n, 1].mean():.1f}" if (kinds[kept] == n).any() else "" for n in names
            ]
            rows.append(
                [
                    f"{size:,}",
                    len(kept),
                    f"{100 * found[:, 0].mean():.1f}",
                    f"{100 * found[:, 1].mean():.1f}",
                    *shares,
                    would,
                    f"{np.median(seconds):.2f} ({np.quantile(seconds, 0.95):.2f})",
                    f"{loading:.2f}",
                    f"{path.stat().st_size / size / 1024:.0f}",
                    f"{memory:.0f}",
                ]
            )
            if size == 1000:
                _, plain = compare_all(gallery, contents[:5])
                notes.append(f"The same comparator on all 1,000, prepared in memory: {plain:.2f} s of CPU a search.")
                order = {entry.name: i for i, entry in enumerate(gallery.entries)}
                some = [(probes[i][2], order[mates[i]]) for i in kept[:60]]
                peer = nbis([p for _, p in list(fingers.values())[:size]], some)
                own = 100 * found[:60, 1].mean()
                notes.append(
                    "NBIS is not installed."
                    if peer is None
                    else f"NBIS, first 60 probes: {100 * peer[0]:.0f} % first (ridgefeat {own:.0f} %), "
                    f"{1000 * peer[1]:.2f} ms of CPU a comparison, so {10_000 * peer[1]:.1f} s for 10,000."
                )
            print(rows[-1], enrolment, notes[-2:], flush=True)
    head = ["prints", "probes", "right print compared, %", "first, %", *(f"first, {n}, %" for n in names)]
    head += [
        "lost to the index",
        "CPU s a search, median (95 %)",
        "CPU s to open it, with one shortlist",
        "kB a print",
        "peak MB (with the benchmark's own)",
    ]
    paragraphs = [
        (__doc__ or "").split("\n\n")[2].replace("\nWrites benchmarks/results/gallery_search.md.\n", ""),
        f"Of each gallery, the {VOTED:,} prints with most votes are chosen, the probe is laid on each, and the "
        f"{CANDIDATES} that fit best are compared, on one core. Lost to the index: probes whose print was not "
        "compared, and that a search of all would have had first. The projection of the codes was fitted to simulated "
        "prints; the least similarity and the bins were chosen on 150 and 200 probes of these sets in a gallery of "
        "4,299, the power by which votes are compared with chance and the weight of the votes on 250 and 300 others, "
        "before this run.",
        table(head, rows),
        *notes,
    ]
    report("gallery_search", "Search of large galleries", paragraphs)


if __name__ == "__main__":
    main()
