"""Does the leak audit find what is there, and only that? How long does it take?

On SOCOFing the identical groups are known. Copies of other prints are planted among real ones, under other people's
names, in every way that copies come about; prints of the same finger (FVC2002, FCJ2020) must not be taken for copies.
People get a second name for half of their impressions; tables get shifts, gaps and fills by class. The limits of the
comparisons of images and of people were chosen on FCJ2020 and Latent, those of columns on simulated tables and
after SOCOFing's values had been seen (gaps, shrinkage, the rule on equal and extreme rows). The ranking of names was
tried on FVC2002 and FCJ2020, and the comparator's threshold comes from FVC: rates on these sets are optimistic. The
simulated effect and the number of cross-family pairs were set after first draws of these simulations.
"""

from __future__ import annotations

from _common import need, report, table  # first: it holds the libraries to one thread

import hashlib  # isort: skip
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from ridgefeat import bench
from ridgefeat.audit import Audit, audit
from ridgefeat.audit.columns import check_results
from ridgefeat.bench import make_comparator
from ridgefeat.sources import find_prints, load_print
from ridgefeat.table import extract_many

PLANTED = {"SOCOFing/Real": (7, 8), "FVC2002": (1, 11), "FCJ2020": (1, 11)}
"""Of which every nth print is taken, and planted copies of each kind."""
BY_FEATURES = 20
COLUMNS = 1069


def warp(image, turn=0.0, scale=1.0, dx=0.0, dy=0.0):
    middle = ((image.shape[1] - 1) / 2, (image.shape[0] - 1) / 2)
    how = cv2.getRotationMatrix2D(middle, turn, scale)
    how[:, 2] += dx, dy
    return cv2.warpAffine(image, how, image.shape[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def jpeg(image, quality):
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 0)


def noise(image, deviation):
    added = np.random.default_rng(int(image.sum())).normal(0, deviation, image.shape)
    return np.clip(image + added, 0, 255).astype(np.uint8)


def crop(image, share, both=False):
    rows, columns = (round(share * n) for n in image.shape)
    return image[rows : -rows if both else None, columns : -columns if both else None]


KINDS = {
    "JPEG, quality 50": lambda i: jpeg(i, 50),
    "JPEG, quality 20": lambda i: jpeg(i, 20),
    "moved by 1 px": lambda i: warp(i, dx=1, dy=-1),
    "moved by 2 px": lambda i: warp(i, dx=-2, dy=2),
    "resized to 0.95": lambda i: cv2.resize(i, None, fx=0.95, fy=0.95, interpolation=cv2.INTER_AREA),
    "shrunk to 0.95 within its frame": lambda i: warp(i, scale=0.95),
    "contrast 0.7, brightness +40": lambda i: np.clip(0.7 * i + 40, 0, 255).astype(np.uint8),
    "gamma 1.5": lambda i: (255 * (i / 255) ** 1.5).astype(np.uint8),
    "turned by 2°": lambda i: warp(i, turn=2),
    "turned by 5°": lambda i: warp(i, turn=5),
    "noise, 8 grey values": lambda i: noise(i, 8),
    "cropped by 3 % at two sides": lambda i: crop(i, 0.03),
    "cropped by 5 % at all sides": lambda i: crop(i, 0.05, both=True),
    "cropped by 10 % at two sides": lambda i: crop(i, 0.1),
    "cropped by 10 % at all sides": lambda i: crop(i, 0.1, both=True),
    "cropped by 15 % at all sides": lambda i: crop(i, 0.15, both=True),
    "turned by 10°": lambda i: warp(i, turn=10),
    "turned by 15°": lambda i: warp(i, turn=-15),
    "turned by 20°": lambda i: warp(i, turn=20),
    "turned by 15° on a larger sheet": lambda i: warp(np.pad(i, i.shape[0] // 8, mode="edge"), turn=15),
    "turned by 90°": np.rot90,
    "turned by 180°": lambda i: i[::-1, ::-1],
    "turned by 270°": lambda i: np.rot90(i, 3),
    "mirrored": lambda i: i[:, ::-1],
    "mirrored, JPEG, quality 50": lambda i: jpeg(np.ascontiguousarray(i[:, ::-1]), 50),
    "mirrored, turned by 5°": lambda i: warp(np.ascontiguousarray(i[:, ::-1]), turn=5),
    "mirrored top to bottom": lambda i: i[::-1],
}


def plant(name: str, folder: Path, each: int, step: int = 1) -> tuple[pd.DataFrame, dict[str, tuple[str, str]]]:
    """Lay out a set and copies of some of its prints; return the table, and each copy's original and kind."""
    sources = find_prints([need(name)])[::step]
    (folder / "set").symlink_to(need(name), target_is_directory=True)
    rows = []
    for source in sources:
        loaded = load_print(source)
        rows.append(
            {
                "meta_source": f"set/{source.relative}",
                "meta_sha256": loaded.sha256,
                "meta_layout": source.layout,
                "person": source.labels["subject"],
            }
        )
    frame = pd.DataFrame(rows)
    # A picture that is there several times has several originals; leave it out.
    single = np.flatnonzero(~frame["meta_sha256"].duplicated(keep=False))
    chosen = np.random.default_rng(0).permutation(single)
    planted, added = {}, []
    for k, (kind, make) in enumerate(KINDS.items()):
        for i in chosen[k * each : (k + 1) * each]:
            pixels = np.ascontiguousarray(make(load_print(sources[i]).pixels))
            copy = f"copies/{len(added):04d}.png"
            (folder / "copies").mkdir(exist_ok=True)
            cv2.imwrite(str(folder / copy), pixels)
            planted[copy] = (frame["meta_source"][i], kind)
            digest = hashlib.sha256(pixels.tobytes() + kind.encode()).hexdigest()
            added.append({"meta_source": copy, "meta_sha256": digest, "meta_layout": "plain", "person": copy})
    both = pd.concat([frame, pd.DataFrame(added)], ignore_index=True)
    both["each"] = both["meta_source"]
    both["sex"] = np.where(np.arange(len(both)) % 2, "male", "female")
    return both, planted


def judge(found: Audit, planted: dict[str, tuple[str, str]]) -> tuple[dict[str, int], int]:
    """Return how many copies of each kind were found with their original, and how many pairs are not copies."""
    hits = dict.fromkeys(KINDS, 0)
    wrong = 0
    for finding in found.of_kind("near_duplicate"):
        for names in finding.files:
            of = {planted[n][0] if n in planted else n for n in names}
            wrong += len(of) - 1
            for copy in planted.keys() & set(names):
                original, kind = planted[copy]
                hits[kind] += original in names
    return hits, wrong


def sensitivity() -> list[str]:
    rows: dict[str, list[object]] = {kind: [kind] for kind in KINDS}
    rows_by_set, fingers = [], []
    for name, (step, each) in PLANTED.items():
        with tempfile.TemporaryDirectory() as folder:
            frame, planted = plant(name, Path(folder), each, step)
            group = "person" if name.startswith("SOCO") else "each"
            began = time.process_time()
            found = audit(frame, target="sex", group=group, images_root=folder)
            seconds = time.process_time() - began
        hits, wrong = judge(found, planted)
        for kind, count in hits.items():
            rows[kind].append(f"{count} of {each}")
        total = sum(hits.values())
        rows_by_set.append(
            [name, len(frame), total + wrong, wrong, f"{total / (total + wrong):.3f}", f"{seconds:.0f} s"]
        )
        others = [f for f in found.of_kind("same_finger") if f.severity == "leak"]
        fingers.append([name, sum(f.count for f in others), "yes" if group == "each" else "no"])
    return [
        "## Near-duplicates planted among real prints",
        "Copies of real prints have names of their own, each kind made of other prints. Found: with their "
        "original. Of SOCOFing every seventh print is taken, and groups are people; in FVC2002 and FCJ2020 every print "
        "is a group of its own, so that all impressions of a finger could be taken for copies of each other. FCJ2020 "
        "served to choose limits.",
        table(["kind of copy", "SOCOFing", "FVC2002", "FCJ2020"], list(rows.values())),
        table(
            ["set with copies", "prints", "pairs found", "of them no copies", "precision", "seconds of one core"],
            rows_by_set,
        ),
        "Pairs below the limit for copies that are still laid on each other too well for two fingers "
        "(finding `same_finger`). With every print a group, these are impressions of one finger.",
        table(["set with copies", "sets", "impressions of one finger in several groups"], fingers),
    ]


PEOPLE_SETS = ("FVC2002/DB1_B", "FVC2002/DB2_B", "FVC2002/DB3_B", "FVC2002/DB4_B", "FVC2002", "FVC2004", "FCJ2020")


def people() -> list[str]:
    """Half of the impressions of every second person get another name."""
    rows = []
    for name in PEOPLE_SETS:
        sources = find_prints([need(name)])
        frame = pd.DataFrame([{"meta_source": s.relative, "meta_layout": s.layout, **s.labels} for s in sources])
        # The databases of FVC2002 number their fingers alike, and DB1 and DB2 share people.
        where = [str(Path(n).parent) if name == "FVC2002" else "" for n in frame["meta_source"]]
        person, known = pd.factorize(pd.Series(where) + " " + frame["subject"].astype(str))
        second = (person % 2 == 1) & (frame["impression"].astype(int) % 2 == 1)
        frame["person"] = [f"{p}{'b' if s else ''}" for p, s in zip(person, second, strict=True)]
        frame["sex"] = np.where(person % 3, "male", "female")
        began = time.process_time()
        found = audit(
            frame, target="sex", group="person", images_root=need(name), comparator=make_comparator()
        ).of_kind("same_finger", "near_duplicate")
        seconds = time.process_time() - began
        pairs = {tuple(sorted(g.rstrip("b") for g in s)) for f in found if f.severity == "leak" for s in f.groups}
        pairs = {
            pair for names in pairs for pair in {(a, b) for a in names for b in names if a < b or names.count(a) > 1}
        }
        right = {a for a, b in pairs if a == b}
        wrong = sorted((known[int(a)], known[int(b)]) for a, b in pairs if a != b)
        planted = len(np.unique(person[second]))
        rows.append([name, len(frame), f"{len(right)} of {planted}", len(wrong), f"{seconds:.0f} s"])
    return [
        "## One person under two names",
        "Every second finger (FCJ2020: every second person) has another name for half of its impressions. Found: "
        "prints of both names match. Wrong: names of two people match (eight prints of FCJ2020 show another finger "
        "than their name says). The comparator was fitted on these databases, among others. A "
        "match has a score above the logarithm of the number of pairs of names / 0.05, so that 0.05 false matches are "
        "expected, and above all 12,160 non-mated scores of FVC2002 and FVC2004. At most 200 pairs of names are "
        "compared.",
        table(["set", "prints", "second names found", "wrong", "seconds of one core"], rows),
    ]


DRAWS, RESULTS = 20, 10
FAMILIES = ("ridge", "gabor", "texture", "quality")


def simulate(seed: int, people: int = 100, columns: int = 240) -> pd.DataFrame:
    """Return people with four prints: 20 factors of a person and 20 of a print; sex shifts a mixture of the former."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), 4)
    sex = rng.permutation(people) % 2
    direction = rng.normal(size=20)
    factors = rng.normal(size=(people, 20)) + 1.2 * direction / np.linalg.norm(direction) * sex[:, None]
    values = (
        factors[person] @ rng.normal(size=(20, columns)) / 4
        + rng.normal(size=(len(person), 20)) @ rng.normal(size=(20, columns)) / 6
    )
    values += rng.normal(0, 0.5, values.shape)
    names = [f"{FAMILIES[i % 4]}_{i:03d}" for i in range(columns)]
    labels = pd.DataFrame({"meta_source": [f"{i}.png" for i in range(len(person))], "subject": person})
    labels["sex"] = np.where(sex[person], "male", "female")
    return pd.concat([labels, pd.DataFrame(np.float32(values), columns=names)], axis=1)


def shift(frame, rng, columns, deviations):
    return _add(frame, rng, columns, lambda v, male: v + deviations * _deviation(v) * rng.choice([-1, 1]) * male)


def gaps(frame, rng, columns, shares):
    return _add(frame, rng, columns, lambda v, male: np.where(rng.random(len(v)) < np.take(shares, male), np.nan, v))


def filled(frame, rng, columns, share):
    def fill(v, male):
        means = np.array([np.nanmean(v[male == c]) for c in (0, 1)], np.float32)
        return np.where(rng.random(len(v)) < share, means[male], v)

    return _add(frame, rng, columns, fill)


def across(frame, rng, columns, deviations):
    """Half of the columns move by what the other half, of another family, holds: only their difference says the sex."""
    names = [[c for c in frame if c.startswith(f)] for f in FAMILIES[:2]]
    pairs = zip(*(rng.choice(n, columns, replace=False) for n in names), strict=True)
    male = (frame["sex"] == "male").to_numpy()
    for one, other in pairs:
        frame[other] = frame[one] + np.float32(rng.normal(0, 0.3, len(frame)) + deviations * 0.3 * male)
    return frame


def _add(frame, rng, columns, change):
    """Change some columns of continuous values."""
    male = (frame["sex"] == "male").to_numpy().astype(int)
    own = [c for c in frame if c.split("_")[0] in FAMILIES]
    continuous = [c for c in own if frame[c].nunique() > len(frame) / 2]
    for name in rng.choice(continuous, columns, replace=False):
        frame[name] = change(frame[name].to_numpy(), male).astype(np.float32)
    return frame


def _deviation(values):
    low, high = np.nanquantile(values, [0.16, 0.84])
    return (high - low) / 2


TABLES = {
    "clean": lambda f, rng: f,
    "gaps of 10 % in 60 columns, in both classes alike": lambda f, rng: gaps(f, rng, 60, (0.1, 0.1)),
    "gaps of 10 % in 60 columns, filled with the mean": lambda f, rng: filled(
        f.assign(sex="male"), rng, 60, 0.1
    ).assign(sex=f["sex"]),
    "20 columns shifted by 0.1 deviations": lambda f, rng: shift(f, rng, 20, 0.1),
    "20 columns shifted by 0.3 deviations": lambda f, rng: shift(f, rng, 20, 0.3),
    "100 columns shifted by 0.1 deviations": lambda f, rng: shift(f, rng, 100, 0.1),
    "100 columns shifted by 0.2 deviations": lambda f, rng: shift(f, rng, 100, 0.2),
    "100 columns shifted by 0.3 deviations": lambda f, rng: shift(f, rng, 100, 0.3),
    "gaps of 5 and 10 % in 60 columns": lambda f, rng: gaps(f, rng, 60, (0.05, 0.1)),
    "gaps of 5 and 20 % in 60 columns": lambda f, rng: gaps(f, rng, 60, (0.05, 0.2)),
    "gaps of 3 % in 20 columns, filled by class": lambda f, rng: filled(f, rng, 20, 0.03),
    "gaps of 10 % in 20 columns, filled by class": lambda f, rng: filled(f, rng, 20, 0.1),
}
ALARMS = ("column", "column_pair", "columns_together", "missing", "target_name", "file", "order")


def tables(real: pd.DataFrame) -> list[str]:
    """What is planted in tables without its images, and how often a table without a leak raises an alarm."""
    columns = [c for c in real if real[c].dtype == np.float32 and real[c].notna().any()]
    # Families by which the plants choose columns; a person is drawn, not a print.
    named = real[["subject", "sex", *columns]].rename(columns=dict(zip(columns, _families(columns), strict=True)))
    rows = []
    for kind, change in TABLES.items():
        row: list[object] = [kind]
        for is_real in (False, True):
            counts, alarms = dict.fromkeys(ALARMS, 0), 0
            for seed in range(DRAWS):
                rng = np.random.default_rng(1000 + seed)
                if is_real:
                    people = rng.choice(named["subject"].unique(), 80, replace=False)
                    frame = named[named["subject"].isin(people)].reset_index(drop=True)
                else:
                    frame = simulate(1000 + seed)
                found = audit(change(frame.copy(), rng), target="sex", group="subject")
                kinds = {f.kind for f in found.findings if f.severity != "note"} & set(ALARMS)
                for name in kinds:
                    counts[name] += 1
                alarms += bool(kinds)
            by = ", ".join(f"{a} {n}" for a, n in counts.items() if n)
            row += [f"{alarms} of {DRAWS}", by or "–"]
        rows.append(row)
    return [
        "## Tables with a leak planted in the columns",
        f"{DRAWS} draws each: simulated tables (100 people, 4 prints, 240 columns, a true effect of sex), and 80 "
        f"people of SOCOFing's table below ({len(columns)} columns, ten prints). The first three rows have no leak.",
        table(["planted", "simulated: alarms", "by", "SOCOFing: alarms", "by"], rows),
    ]


def _families(columns):
    return [f"{FAMILIES[i % 4]}_{i:04d}" for i, _ in enumerate(columns)]


def results() -> list[str]:
    """How often a result raises an alarm by itself."""
    rows = []
    options = bench.Options(classifiers=("lda",), jobs=1, diagnose=False, samples=200)
    for kind, change in {
        "clean": lambda f, rng: f,
        "100 columns shifted by 0.2 deviations": lambda f, rng: shift(f, rng, 100, 0.2),
        "differences of 20 pairs of columns, by 0.5 deviations": lambda f, rng: across(f, rng, 20, 0.5),
        "differences of 20 pairs of columns, by 1 deviation": lambda f, rng: across(f, rng, 20, 1.0),
    }.items():
        good, beyond, aucs = 0, 0, []
        for seed in range(RESULTS):
            frame = change(simulate(2000 + seed), np.random.default_rng(seed))
            about = {"columns": [{"name": c} for c in frame if c.split("_")[0] in FAMILIES]}
            auc, low = _area(frame, about, options)
            families = {f: _area(frame, about, options, families=[f])[0] for f in FAMILIES}
            found = [f.message for f in check_results("sex", auc, low, families, can_be_too_good=True)]
            good += any("too good for" in m for m in found)
            beyond += any("no family alone" in m for m in found)
            aucs.append(auc)
        rows.append([kind, f"{np.mean(aucs):.3f}", f"{good} of {RESULTS}", f"{beyond} of {RESULTS}"])
    return [
        "## Results that are too good",
        f"LDA on simulated tables, five folds by person, {RESULTS} draws each. Together: above what the families would "
        "have if each knew what no other does (the interval's lower end).",
        table(["planted", "mean AUC", "alarm: above 0.95", "alarm: more than the families together"], rows),
    ]


def _area(frame, about, options, **chosen):
    problem = bench.make_problem(frame, about, target="sex", group="subject", **chosen)
    row = bench.compare(problem, options).summary.iloc[0]
    return float(row["roc_auc"]), float(row["roc_auc_low"])


def known_groups() -> list[str]:
    sources = find_prints([need("SOCOFing/Real")])
    frame = pd.DataFrame(
        [
            {"meta_source": s.relative, "meta_sha256": load_print(s).sha256, "meta_layout": s.layout, **s.labels}
            for s in sources
        ]
    )
    began = time.process_time()
    found = audit(frame, target="sex", group="subject", images_root=need("SOCOFing/Real"), comparator=make_comparator())
    seconds = time.process_time() - began
    rows = [[f.severity, f.kind, f.count, f.message, f.cost] for f in found.findings]
    return [
        "## SOCOFing as it is",
        f"{len(frame)} prints, with their images, {seconds:.0f} s of one core. Which files: `Audit.text()`.",
        table(["severity", "kind", "count", "message", "cost"], rows),
    ]


def by_features() -> list[str]:
    """What is found without the images, and what the copies do to a nearest neighbour."""
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    sources = [s for s in find_prints([need("SOCOFing/Real")]) if int(s.labels["subject"]) <= 160]
    frame = extract_many([s.path for s in sources], jobs=1)
    prints = [load_print(s) for s in sources]
    chosen = np.random.default_rng(0).permutation(len(prints))
    parts, kinds = [frame], []
    for k, (kind, make) in enumerate(KINDS.items()):
        rows = chosen[k * BY_FEATURES : (k + 1) * BY_FEATURES]
        with tempfile.TemporaryDirectory() as folder:
            # The layout's own frame is put back, so that a copy is read as its original is.
            for row in rows:
                pixels = np.ascontiguousarray(make(prints[row].pixels))
                cv2.imwrite(f"{folder}/{row:05d}.png", pixels)
            copies = extract_many(folder, dpi=(prints[0].dpi_x, prints[0].dpi_y))
        names = ["sex", "hand", "finger"]
        copies = copies.drop(columns=[n for n in names if n in copies]).join(
            frame.loc[np.sort(rows), names].reset_index(drop=True)
        )
        copies["subject"] = [100000 + 1000 * k + i for i in range(len(rows))]
        copies["meta_source"] = [f"{kind} of {frame['meta_source'][r]}" for r in np.sort(rows)]
        parts.append(copies)
        kinds += [kind] * len(rows)
    both = pd.concat(parts, ignore_index=True)
    found = audit(both, target="sex", group="subject")
    hits = dict.fromkeys(KINDS, 0)
    wrong = 0
    for finding in found.of_kind("near_duplicate"):
        for names in finding.files:
            of = {n.split(" of ")[-1] for n in names}
            wrong += len(of) - 1
            for n in names:
                if " of " in n and n.split(" of ")[-1] in names:
                    hits[n.split(" of ")[0]] += 1
    features = [c for c in both if both[c].dtype == np.float32]
    outcomes = []
    for what, rows in (("without copies", slice(0, len(frame))), ("with them", slice(None))):
        part = both.iloc[rows]
        values = np.nan_to_num(part[features].to_numpy())
        guess = cross_val_predict(
            make_pipeline(StandardScaler(), KNeighborsClassifier(1)),
            values,
            part["sex"],
            groups=part["subject"].astype(str),
            cv=GroupKFold(5),
        )
        outcomes.append([what, len(part), f"{np.mean(guess == part['sex']):.3f}"])
    cost = [f.cost for f in found.of_kind("near_duplicate")]
    return [
        *tables(frame),
        "## Without the images",
        f"{len(frame)} prints of SOCOFing and {len(kinds)} copies, by their features alone. {wrong} pairs that are no "
        "copies were taken for some.",
        table(["kind of copy", "found"], [[k, f"{n} of {BY_FEATURES}"] for k, n in hits.items()]),
        "What a 1-nearest-neighbour on all features makes of them, five folds by subject, copies under other "
        f"subjects; the audit's words for the copies that it found: {' '.join(cost) or '-'}.",
        table(["prints", "number", "accuracy, sex"], outcomes),
    ]


def speed() -> list[str]:
    rng = np.random.default_rng(0)
    subject = np.repeat(np.arange(420), 10)
    values = pd.DataFrame(
        rng.normal(size=(4200, COLUMNS)).astype(np.float32), columns=[f"own_{i}" for i in range(COLUMNS)]
    )
    labels = pd.DataFrame({"subject": subject, "sex": np.where(subject % 5 == 0, "female", "male")})
    frame = pd.concat([labels, values], axis=1)
    rows = []
    times = []
    for _ in range(3):
        began = time.process_time()
        audit(frame, target="sex", group="subject")
        times.append(time.process_time() - began)
    rows.append([f"audit of 4200 prints x {COLUMNS} columns, no images", f"{min(times):.1f}–{max(times):.1f} s"])
    return ["## Speed", table(["what", "seconds of one core"], rows)]


if __name__ == "__main__":
    report(
        "leak_audit", "The leak audit", known_groups() + sensitivity() + people() + by_features() + results() + speed()
    )
