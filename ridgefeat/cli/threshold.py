"""`ridgefeat threshold`: from a table of scores to decision thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from ridgefeat import report, threshold
from ridgefeat.cli import options, talk
from ridgefeat.cli.outputs import RESULTS, results_of, write_figures
from ridgefeat.sheets import DIALECTS

HEAD = (
    *("method", "threshold", "95 %", "FMR", "95 %", "errors", "FNMR", "95 %", "errors"),
    *("HTER", "accuracy", "HTER, own scores"),
)


@click.command("threshold")
@click.argument("table", metavar="SCORES", type=options.PATH)
@click.argument("second", metavar="[SCORES]", required=False, type=options.PATH)
@options.output("FOLDER", "Where to write.", type=click.Path(file_okay=False))
@options.option("--distance", "Smaller scores indicate a match.")
@options.option(
    "--methods NAMES",
    "Names separated by commas; see below.  [default: all]",
    **options.listed("ridgefeat.threshold.methods", "DEFAULT_METHODS"),
)
@options.choice("--objective", ("hter", "accuracy", "cost"), "What grid, bayes and exact optimise.")
@options.option("--ratio", "r of FAR = r FRR, for far-frr.", default=1.0)
@options.option("--prior", "Share of mated transactions in use, 0 to 1.", default=0.5)
@options.option("--cost-fa", "Cost of a false accept.", name="cost_false_accept", default=1.0)
@options.option("--cost-fr", "Cost of a false reject.", name="cost_false_reject", default=1.0)
@options.option(
    "--folds",
    "Folds over subjects by which each comparison is judged once. 1: choose and judge on the same scores.",
    type=click.IntRange(1, 20),
    default=5,
)
@options.option("--seed", "Seed of the folds.", type=click.IntRange(0), default=0)
@options.option(
    "--llr",
    "Scores are log likelihood ratios of this base: add Cllr and a Tippett plot. fit: turn other scores into such "
    "ratios, each by subjects of other folds, and write ratios.csv.",
    type=click.Choice(["natural", "10", "2", "fit"]),
)
@options.option("--positive LABEL", "The label that counts as mated.")
@options.option("--classifier NAME", "Classifier to read, if the table holds several.")
@options.option("--score-column NAME", "Column of the scores.  [default: score, …]")
@options.option("--label-column NAME", "Column of the labels.  [default: mated, label, y_true, …]")
@options.option("--regex REGEX", "Read subjects from names of prints by a group `subject`; mated if equal.")
@options.option("--where COLUMN=VALUE", "Read only such rows, e.g. --where level=hard.", multiple=True)
@options.option("--failures", "Count an empty score as a failure to acquire.", name="count_failures")
@options.figures
@options.csv_dialect
@options.option("--overwrite", "Replace an earlier report in the folder.")
@options.json_result
def command(table: str, second: str | None, output: str, llr: str | None, **given: Any) -> None:
    """Choose decision thresholds and report their error rates on subjects that they have not seen.

    SCORES is a table: CSV in any dialect, columns with spaces between, .xlsx, Parquet or a folder of Parquet files. It
    has columns `subject_probe, subject_reference, mated, score`, or a label (1 or genuine, 0 or impostor) and a score,
    or is the scores.csv of `verify` or `bench`, or a score file of bob. Columns `probe, reference, score`, or a matrix
    with names, do where names give the subjects (--regex). Two files are mated and non-mated scores, a list of trials
    with labels and their scores, or a matrix and its mask. One line says how they were understood. The command writes
    thresholds.csv, figures.csv, curves.csv and report.html.

    Methods: mean-distance, bayes, far-frr, grid, exact, min-cost, zero-fmr, and targets such as fmr=1% or fmr=0.1%. A
    score equal to the threshold is accepted.

    \b
    Examples:
      ridgefeat threshold scores.csv -o thresholds/
      ridgefeat threshold genuine.txt impostor.txt -o thresholds/
      ridgefeat threshold trials.txt scores.txt -o thresholds/
      ridgefeat threshold matrix.csv --regex '(?P<subject>\\d+)_.*' -o thresholds/
      ridgefeat threshold distances.csv --distance -o thresholds/ --methods far-frr,exact,fmr=0.1%
      ridgefeat threshold scores.csv -o thresholds/ --llr fit
      ridgefeat threshold scores.csv -o thresholds/ --prior 0.99 --cost-fa 100 --objective cost
    """
    folder, pick = Path(output), partial(options.pick, given)
    settings = threshold.Settings(
        **pick("objective", "ratio", "prior", "cost_false_accept", "cost_false_reject", "seed")
    )
    columns = pick("positive", "classifier", "score_column", "label_column")
    read = threshold.read_scores(table, second, **columns, **pick("distance", "count_failures", "where", "regex"))
    talk.echo(f"{read.note}.")
    ratios = threshold.log_ratios(read.scores, llr, **pick("folds", "seed")) if llr else None
    found = threshold.analyse(read.scores, given["methods"], settings, **pick("folds", "seed"), ratios=ratios)
    _write(found, folder, Path(table).name, read.note, given["csv_dialect"])
    talk.result(lambda: _record(found), _lines(found))
    for remark in found.remarks:
        talk.echo(f"Note: {remark}")
    written = [str(folder / name) for name in RESULTS["threshold"] if (folder / name).exists()]
    talk.echo(f"Written: {', '.join(written)}")
    if given["figures"]:
        write_figures(report.threshold_displays(found), given["figures"], "threshold")


def _write(found: threshold.Analysis, folder: Path, title: str, note: str, dialect: str) -> None:
    about = {"Command": talk.command_line(), "Table": note}
    with results_of("threshold", folder) as temporary:
        tables = [found.thresholds(), found.figures(), found.curves()]
        tables += [found.ratios.table()] if found.ratios is not None and found.ratios.fitted else []
        for name, frame in zip(RESULTS["threshold"], tables, strict=False):
            DIALECTS[dialect].write(frame, temporary / name)
        report.write_threshold_page(found, temporary / "report.html", title=title, about=about)


def _record(found: threshold.Analysis) -> dict[str, Any]:
    tables = {"thresholds": found.thresholds(), "figures": found.figures()}
    return {name: frame.to_dict("records") for name, frame in tables.items()} | {"remarks": found.remarks}


def _lines(found: threshold.Analysis) -> str:
    """Return the tables for the terminal: the recommended method first, with errors and intervals."""
    percent, percent_interval = report.percent, report.percent_interval
    rows: list[Sequence[str]] = []
    own = found.thresholds()["hter_own"]
    for choice, o, hter in zip(found.choices, found.operating_points, own, strict=True):
        ends = [f"{end:.4g}" if end == end else "" for end in (choice.low, choice.high)]
        row = [choice.method, f"{choice.threshold:.6g}", "–".join(ends) if any(ends) else ""]
        for rate in (o.fmr, o.fnmr):
            few = " *" if rate.errors < threshold.MIN_ERRORS else ""
            row += [percent(rate.value), percent_interval(rate.low, rate.high), f"{rate.errors:,}/{rate.count:,}{few}"]
        rows.append((*row, percent(o.hter.value), percent(o.accuracy.value), percent(hter)))
    rows.insert(0, rows.pop(found.choices.index(found.recommended)))
    figures: list[Sequence[str]] = [("figure", "value", "95 %")]
    for f in found.metrics:
        bare = f.name in threshold.BARE
        inner = percent_interval(f.low, f.high) if not bare else f"{f.low:.4f}–{f.high:.4f}" if f.low == f.low else ""
        figures.append((f.name, f"{f.value:.4f}" if bare else percent(f.value), inner))
    right, judged = range(1, len(HEAD)), "On subjects not seen" if found.folds > 1 else "On the same scores"
    tables = [talk.align([HEAD, *rows], right), "", talk.align(figures, right)]
    return "\n".join([f"{judged}; recommended first:", *tables])
