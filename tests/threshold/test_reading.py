"""Score tables are read in every documented form, those of other programs too; others are refused with advice."""

import re
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from ridgefeat.errors import ScoreError
from ridgefeat.threshold import files, read_scores

needs_pyarrow = pytest.mark.skipif(find_spec("pyarrow") is None, reason="needs the extra `parquet`")


def bench_table(path, names=("lda",)):
    rows = np.tile(np.arange(60), len(names))
    male = rows % 2 == 1
    score = np.random.default_rng(0).normal(2 * male, 1)
    p = 1 / (1 + np.exp(-score))
    columns = {"source": "x.png", "group": rows // 2, "y_true": np.where(male, "male", "female")}
    columns |= {"classifier": np.repeat(names, 60), "repeat": 0, "fold": 0, "y_pred": "male"}
    pd.DataFrame(columns | {"score": score, "p_female": 1 - p, "p_male": p}).to_csv(path, index=False)
    return path


def test_a_table_of_bench_is_read(tmp_path):
    read = read_scores(bench_table(tmp_path / "scores.csv"))
    assert "`p_male`, mated where `y_true` is male" in read.note
    assert read.scores.mated.sum() == 30 and read.scores.n_subjects == 30
    turned = read_scores(tmp_path / "scores.csv", positive="female")
    assert np.allclose(turned.scores.score, 1 - read.scores.score)


def test_only_the_first_repeat_is_read(tmp_path):
    frame = pd.read_csv(bench_table(tmp_path / "scores.csv"))
    pd.concat([frame, frame.assign(repeat=1)]).to_csv(tmp_path / "scores.csv", index=False)
    read = read_scores(tmp_path / "scores.csv")
    assert len(read.scores) == 60 and "classifier lda, repeat 0" in read.note


def test_one_of_several_classifiers_must_be_named(tmp_path):
    path = bench_table(tmp_path / "scores.csv", ("lda", "svm"))
    with pytest.raises(ScoreError, match="pick one with --classifier: lda, svm"):
        read_scores(path)
    assert len(read_scores(path, classifier="svm").scores) == 60
    with pytest.raises(ScoreError, match="no classifier 'knn'"):
        read_scores(path, classifier="knn")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n", "no column mated or label"),
        (b"label,score\n", "holds no scores"),
        (b"", "is empty"),
        (b"label,score\nx,1\ny,2\n", "--positive"),
        (b"label,score\n1,1\n0,zwei\n", "row 2, column 'score': 'zwei' is not a number"),
        (b"label,score\n1,1\n,2\n", "label is empty in row 2"),
        (b"\x00\xff\xfe\x80,\n\xff", "is not a table|no column"),
        (b"label,score\n1,1\n0,2,3,4\n", "is not a table"),
    ],
)
def test_files_that_are_no_score_tables_are_refused(tmp_path, content, message):
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(ScoreError, match=message):
        read_scores(tmp_path / "bad.csv")
    with pytest.raises(ScoreError, match="no such file"):
        read_scores(tmp_path / "none.csv")


def test_an_empty_score_without_a_reason_is_no_failure(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("mated,score,failure\n1,3,\n0,1,\n1,,\n0,2,\n", "utf-8")
    with pytest.raises(ScoreError, match="missing"):
        read_scores(path)
    path.write_text("mated,score,failure\n1,3,\n0,1,\n1,,no print\n0,2,\n", "utf-8")
    assert "1 failures to acquire" in read_scores(path).note


def test_rows_are_selected_by_conditions(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("mated,score,level\n1,3,easy\n0,1,easy\n1,0,hard\n0,-2,hard\n", "utf-8")
    assert sorted(read_scores(path, where=["level=hard"]).scores.score) == [-2, 0]
    with pytest.raises(ScoreError, match="no level is 'medium'; there are: easy, hard"):
        read_scores(path, where=["level=medium"])
    with pytest.raises(ScoreError, match="must be column=value; columns of"):
        read_scores(path, where=["kind"])


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    mated = np.arange(60) % 3 == 0
    return pd.DataFrame({"subject_probe": np.arange(60) % 7, "mated": mated.astype(int), "score": rng.normal(mated, 1)})


@needs_pyarrow
def test_parquet_files_read_like_csv(frame, tmp_path):
    frame.to_csv(tmp_path / "s.csv", index=False)
    frame.to_parquet(tmp_path / "s.parquet")
    (tmp_path / "parts").mkdir()
    frame.iloc[:25].to_parquet(tmp_path / "parts/part-0.parquet", index=False)
    frame.iloc[25:].to_parquet(tmp_path / "parts/part-1.parquet", index=False)
    csv = read_scores(tmp_path / "s.csv").scores
    for path in ("s.parquet", "parts"):
        read = read_scores(tmp_path / path).scores
        for name in ("score", "mated", "probe"):
            np.testing.assert_allclose(getattr(read, name), getattr(csv, name), rtol=1e-12)


@needs_pyarrow
def test_only_the_columns_in_use_are_read_from_parquet(frame, tmp_path, monkeypatch):
    frame["comment"], frame["finger"] = "x" * 40, "thumb"
    frame.to_parquet(tmp_path / "s.parquet")
    seen, read = [], files.read_parquet
    monkeypatch.setattr(files, "read_parquet", lambda *a, **k: seen.append(read(*a, **k)) or seen[-1])
    read_scores(tmp_path / "s.parquet", where=["finger=thumb"])
    assert sorted(seen[0].columns) == ["finger", "mated", "score", "subject_probe"]
    with pytest.raises(ScoreError, match=r"has no column 'closeness'; there are: .*comment"):
        read_scores(tmp_path / "s.parquet", score_column="closeness")
    with pytest.raises(ScoreError, match=r"columns of .* are .*comment"):
        read_scores(tmp_path / "s.parquet", where=["age=3"])


@needs_pyarrow
def test_parquet_without_scores_is_refused(frame, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and no more")
    for name, message in (("empty", r"holds no \.parquet file"), ("bad.parquet", "is not a Parquet file")):
        with pytest.raises(ScoreError, match=message):
            read_scores(tmp_path / name)


NAMES = [f"{s}_{i}" for s in ("ann", "bob", "cid", "dan") for i in (1, 2, 3)]
PAIRS = [(a, b) for k, a in enumerate(NAMES) for b in NAMES[k + 1 :]]
MATED = [a[:3] == b[:3] for a, b in PAIRS]
SCORES = np.round(np.random.default_rng(0).normal(np.where(MATED, 3.0, 0.0), 1), 4).tolist()


def lines(rows, separator=" ", decimal="."):
    return "".join(separator.join(str(c).replace(".", decimal) for c in row) + "\n" for row in rows)


def matrix(names=NAMES, separator=",", corner="", decimal="."):
    cells = dict(zip(PAIRS, SCORES, strict=True)) | {(b, a): s for (a, b), s in zip(PAIRS, SCORES, strict=True)}
    rows = [[a, *(cells.get((a, b), 9.9) for b in NAMES)] for a in NAMES]
    if names is None:
        return lines([r[1:] for r in rows], separator, decimal)
    named = [[n, *r[1:]] for n, r in zip(names, rows, strict=True)]
    return lines([[corner, *names], *named], separator, decimal)


MASK = lines([[int(a[:3] == b[:3]) if a != b else -1 for b in NAMES] for a in NAMES], ",")
TRIPLES = [(a, b, s) for (a, b), s in zip(PAIRS, SCORES, strict=True)]
PEOPLE = [(a[:3], b[:3], s) for a, b, s in TRIPLES]
LABELLED = [(int(m), *t) for m, t in zip(MATED, TRIPLES, strict=True)]
PLAIN = [(int(m), s) for m, s in zip(MATED, SCORES, strict=True)]
KEY = [(a, b, int(m)) for (a, b), m in zip(PAIRS, MATED, strict=True)]
TRIALS = lines((m, a, b) for a, b, m in KEY)
GENUINE, IMPOSTOR = (lines([s] for m, s in PLAIN if m == mated) for mated in (True, False))
UPPER = dict(zip(PAIRS, SCORES, strict=True))


def worded(no, yes, separator=",", decimal="."):
    return lines([((no, yes)[m], s) for m, s in PLAIN], separator, decimal)


SHAPES = {
    "as verify writes it": {
        "s.csv": "probe,reference,subject_probe,subject_reference,mated,score\n"
        + lines([("a.png", "b.png", a[:3], b[:3], bool(m), s) for m, a, b, s in LABELLED], ",")
    },
    "label first, no header": {"s.csv": lines(PLAIN, ",")},
    "score first, no header": {"s.csv": lines([(s, m) for m, s in PLAIN], ",")},
    "byte-order mark, padded": {"s.csv": "\ufeffmated, score\r\n" + worded(False, True, ", ").replace("\n", "\r\n")},
    "semicolons": {"s.csv": "Mated?;Match Score\n" + lines(PLAIN, ";", ",")},
    "utf-16": {"s.csv": ("label\tscore\n" + lines(PLAIN, "\t")).encode("utf-16")},
    "spaces": {"s.txt": "# label score\n" + lines(PLAIN)},
    "spaces, decimal comma": {"s.txt": worded("nontarget", "target", " ", ",")},
    **{
        f"label {yes}": {"s.csv": "Label,Score\n" + worded(no, yes)}
        for no, yes in [("F", "T"), ("FALSCH", "WAHR"), ("No Match", "match"), ("I", "G"), ("KNM", "same source")]
        + [("-1.0", "1.0"), ("impostor", "genuine")]
    },
    "numbered columns": {"s.csv": "Image 1;Image 2;matching score\n" + lines(TRIPLES, ";", ",")},
    "numbered people": {"s.csv": "person_a,person_b,score\n" + lines(PEOPLE, ",")},
    "several names of prints": {
        "s.csv": "probe_subject_id,probe_key,probe_template_id,bio_ref_subject_id,score\n"
        + lines([(a[:3], a, a, b[:3], s) for a, b, s in TRIPLES], ",")
    },
    "two columns of subjects": {"s.csv": "probe_subject_id,bio_ref_subject_id,score\n" + lines(PEOPLE, ",")},
    "bob, four columns": {"scores-dev": lines((b[:3], a[:3], a, s) for a, b, s in TRIPLES)},
    "bob, five columns": {"scores-dev": lines((b[:3], b, a[:3], a, s) for a, b, s in TRIPLES)},
    "probe, gallery, score": {"s.csv": "Probe,Gallery,Score\n" + lines(TRIPLES, ",")},
    "without a header": {"s.txt": lines(TRIPLES)},
    "labelled, without a header": {"s.txt": lines(LABELLED)},
    "two files": {"genuine.txt": GENUINE, "impostor.txt": IMPOSTOR},
    "two files with headers": {"genuine.txt": "genuine\n" + GENUINE, "impostor.txt": "impostor\n" + IMPOSTOR + "\n\n"},
    "blank rows at the end": {"s.csv": "mated;score;;\n" + lines([(*r, "", "") for r in PLAIN], ";") + ";;;\n;;;\n"},
    "two files, the other way round": {"non-mated.txt": IMPOSTOR, "mated.txt": GENUINE},
    "two files, decimal comma": {"a.txt": GENUINE.replace(".", ","), "b.txt": IMPOSTOR.replace(".", ",")},
    "two files of R": {
        f"{n}.txt": '"x"\n' + "".join(f'"{i}" {s}\n' for i, s in enumerate(text.split(), 1))
        for n, text in (("gen", GENUINE), ("imp", IMPOSTOR))
    },
    "two files with columns": {
        n: "probe,reference,score\n" + lines([t for m, *t in LABELLED if m == mated], ",")
        for n, mated in (("genuine.csv", True), ("impostor.csv", False))
    },
    "trials and scores": {"trials.txt": TRIALS, "scores.txt": lines(reversed(TRIPLES))},
    "scores and trials": {"scores.txt": lines(TRIPLES), "trials.txt": TRIALS},
    "trials and scores line by line": {"trials.txt": TRIALS, "scores.txt": lines([s] for s in SCORES)},
    "trials and scores of NIST": {
        "trials.tsv": "modelid\tsegmentid\ttargettype\n"
        + lines([(a, b, ("nontarget", "target")[m]) for a, b, m in KEY], "\t"),
        "scores.tsv": "modelid\tsegmentid\tLLR\n" + lines(TRIPLES, "\t"),
    },
    "trials and scores with columns of their own": {
        "key.csv": "left;right;label\n" + lines(KEY, ";"),
        "scores.csv": "score,left,right\n" + lines([(s, a, b) for a, b, s in reversed(TRIPLES)], ","),
    },
    "aligned columns": {"s.txt": "".join(f"  {m}\t {s:8.4f}\r\n" for m, s in PLAIN)},
    "matrix": {"m.csv": matrix()},
    "matrix, semicolons": {"m.csv": matrix(separator=";", corner="probe", decimal=",")},
    "matrix as R writes it": {"m.txt": matrix(separator=" ")[1:]},
    "half a matrix and zeros": {
        "m.csv": lines([["", *NAMES]] + [[a, *(UPPER.get((a, b), 0) for b in NAMES)] for a in NAMES], ",")
    },
    "matrix of subjects": {"m.csv": matrix([n[:3] for n in NAMES])},
    "matrix and mask": {"m.csv": matrix(None), "mask.csv": MASK},
    "mask and matrix": {"mask.csv": MASK, "m.txt": matrix(None, " ")},
    "matrix and names": {"m.csv": matrix(None), "names.txt": lines([n] for n in NAMES)},
}


def written(folder, files):
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return [folder / name for name in files]


@pytest.mark.parametrize("files", SHAPES.values(), ids=SHAPES)
def test_every_shape_gives_the_same_comparisons(tmp_path, files):
    read = read_scores(*written(tmp_path, files))
    found = sorted(zip(read.scores.score, read.scores.mated, strict=True))
    assert found == sorted(zip(SCORES, MATED, strict=True))
    assert re.match("12 mated and 54 non-mated comparisons; .*; higher is more similar$", read.note)
    assert read.scores.n_subjects in (0, 4)
    if read.scores.n_subjects:
        assert np.array_equal(read.scores.probe == read.scores.reference, read.scores.mated)


def test_what_was_understood_is_said(tmp_path):
    said = {name: read_scores(*written(tmp_path, files)).note for name, files in SHAPES.items()}
    assert "separator `;`, decimal comma; scores in `Match Score`, mated where `Mated?` is 1" in said["semicolons"]
    assert "UTF-16" in said["utf-16"]
    assert "mated in mated.txt, non-mated in non-mated.txt" in said["two files, the other way round"]
    assert "mated in a.txt, the file that was given first" in said["two files, decimal comma"]
    assert "mated where the name before its last `_`, `-` or `/` is equal (4 subjects" in said["without a header"]
    assert "symmetric, of which the upper half is read" in said["matrix"]
    assert "5 columns of bob" in said["bob, five columns"]


def test_names_are_read_by_a_regular_expression(tmp_path):
    def named(last):
        fingers = {"1": "left", "2": "left", "3": last}
        return [(*(f"{n[:3]}/{fingers[n[4]]}_{n[4]}" for n in (a, b)), s) for a, b, s in TRIPLES]

    (path,) = written(tmp_path, {"s.csv": "probe,reference,score\n" + lines(named("left"), ",")})
    assert read_scores(path).scores.mated.sum() == 12  # by person, and by person and finger alike
    written(tmp_path, {"s.csv": "probe,reference,score\n" + lines(named("right"), ",")})
    with pytest.raises(ScoreError, match=r"does not say which comparisons are mated: 4 if .*, 12 if .*--regex"):
        read_scores(path)
    assert read_scores(path, regex="(?P<subject>[a-z]+)/").scores.mated.sum() == 12
    fingers = read_scores(path, regex="(?P<subject>[a-z]+)/(?P<finger>[a-z]+)_").scores
    assert fingers.mated.sum() == 4 and fingers.n_subjects == 4
    for pattern, message in (("(", "not a regular"), ("a", "no group `subject`"), ("(?P<subject>x)", "not fit")):
        with pytest.raises(ScoreError, match=message):
            read_scores(path, regex=pattern)


def test_smaller_distances_are_more_similar(tmp_path):
    for name in ("distance", "Hamming distance", "dist"):
        (path,) = written(tmp_path, {"s.csv": f"mated,{name}\n" + lines([(m, -score) for m, score in PLAIN], ",")})
        read = read_scores(path)
        assert read.scores.distance and read.note.endswith("lower is more similar")


def test_trials_and_scores_need_not_be_the_same(tmp_path):
    files = {"trials.txt": TRIALS, "scores.txt": lines([*TRIPLES[1:], ("x", "y", 0.5)])}
    paths = written(tmp_path, files)
    with pytest.raises(ScoreError, match="--failures"):
        read_scores(*paths)
    note = read_scores(*paths, count_failures=True).note
    assert r"1 trials have no score, the first 'ann_1\tann_2'" in note and "1 scores belong to no trial" in note


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"s.txt": GENUINE}, "needs a second file"),
        ({"trials.txt": TRIALS}, "no column score"),
        ({"s.txt": lines([(1, 0), (0, 1), (0, 0)])}, "may mean several things.*write names above them"),
        ({"m.csv": matrix(None)}, "without names.*a mask"),
        ({"a.txt": TRIALS, "b.txt": TRIALS}, "not understood together"),
        ({"a.txt": TRIALS, "b.txt": GENUINE}, "66 trials, but .* 12 scores"),
        ({"a.txt": TRIALS, "b.txt": lines([("x", "y", 0.5)])}, "no trial .* has a score"),
        ({"a.txt": TRIALS, "b.txt": lines([*TRIPLES, TRIPLES[0]])}, "row 67: .* for a second time"),
        ({"a.txt": TRIALS, "b.csv": "x,y,score\n" + lines(TRIPLES, ",")}, "call these columns probe and reference"),
        ({"genuine_a.txt": GENUINE, "genuine_b.txt": IMPOSTOR}, "both name mated scores"),
        ({"m.csv": matrix(None), "mask.csv": "1,0,0\n0,1,0\n0,0,1\n"}, "of the same shape"),
        ({"m.csv": matrix(None), "names.txt": "a\nb\n"}, "one name or subject per row"),
        ({"s.csv": "score,Score,label\n1,2,1\n3,4,0\n"}, "columns score, Score may each be the score"),
        ({"s.csv": "score,score,label\n1,2,1\n3,4,0\n"}, "'score' occurs twice"),
        ({"s.csv": 'label;score\n1;"1.234,5"\n0;0,5\n'}, "row 1, column 'score': '1.234,5'.*thousands"),
        ({"s.csv": "label;score\n1;1,234\n0;512\n"}, "row 1, column 'score': '1,234'.*thousands"),
        ({"s.txt": "1\t1.234\n0\t512\n1\t2.345\n"}, "row 1, column 'column 2': '1.234'.*thousands"),
        ({"s.csv": "mated,score\n1,1\n0,0\n-1,3\n"}, "unclear which label means mated"),
        ({"s.csv": "label;score\n1;12. Mai\n0;0,5\n"}, "row 1, column 'score': '12. Mai'.*a date"),
    ],
)
def test_what_is_ambiguous_or_wrong_is_refused(tmp_path, files, message):
    with pytest.raises(ScoreError, match=message):
        read_scores(*written(tmp_path, files))


@pytest.mark.skipif(find_spec("openpyxl") is None, reason="needs the extra `excel`")
def test_a_sheet_is_read(tmp_path):
    frame = pd.DataFrame(LABELLED, columns=["mated", "probe", "reference", "score"])
    with pd.ExcelWriter(tmp_path / "s.xlsx") as book:
        frame.to_excel(book, index=False, sheet_name="Scores")
        frame.to_excel(book, index=False, sheet_name="More")
    read = read_scores(tmp_path / "s.xlsx")
    assert read.scores.score.tolist() == SCORES and read.scores.mated.tolist() == MATED
    assert "sheet 'Scores', the first of 2" in read.note
