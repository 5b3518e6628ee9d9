"""`ridgefeat bench`: a feature table -> classifiers compared."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from ridgefeat import bench, report
from ridgefeat.cli import options, talk
from ridgefeat.cli.outputs import results_of, write_figures

BAR = "{elapsed} {n_fmt}/{total_fmt}{postfix} {bar}"
"""Without rate and time left: a network's fit takes a thousand times as long as another's."""


@click.command("bench")
@click.argument("table", required=False, type=options.PATH, metavar="[TABLE]")
@options.target()
@options.group
@options.option("--pairs COLUMN", "Instead of --target: the label that two prints may share.")
@options.option("--differ COLUMN", "Of --pairs: labels in which the two prints differ.", multiple=True)
@options.option("--match COLUMN", "Of --pairs: labels in which the people are alike.", multiple=True)
@options.output("FOLDER", "Folder for tables and report.")
@options.option(
    "--classifiers NAMES",
    "Names, separated by commas; or module:Class of your own.",
    **options.listed("ridgefeat.bench.classifiers", "METHODS", "ENSEMBLES"),
)
@options.some_families
@options.feature_columns
@options.within
@options.option("--harmonise COLUMN", "Take location and scale of each level off: a sensor or database.")
@options.option(
    "--select CRITERIA", "Choose columns inside each training fold, e.g. min_icc=0.6,redundancy=0.9,fdr=0.05."
)
@options.option("--reliability SET|TABLE", "Columns' ICC, for --select.", default="FCJ2020")
@options.kind
@options.option("--positive CLASS", "Class of precision and recall.  [default: the rarer]")
@options.choice("--split", ("group", "holdout", "image"), "Folds by group, 80/20 by group, or by image (leaks).")
@options.number("--folds N", "Number of folds.", default=5)
@options.number("--repeats N", "Number of repeats, each with other folds.", default=1)
@options.path("--train TABLE", "Instead of TABLE: train on this one …")
@options.path("--test TABLE", "… and test on this one.")
@options.path("--cross TABLE", "Instead: test on each, trained on the others. Repeat it.", multiple=True)
@options.option("--tune", "Search each classifier's settings in inner folds by group.")
@options.choice(
    "--imbalance", ("weights", "none", "under", "over"), "How to handle class imbalance (training folds only)."
)
@options.option("--fuse COLUMN", "Also score the mean over prints that share this label.")
@options.choice(
    "--on-duplicates", ("merge", "drop", "warn"), "What to do when one image is filed under several people."
)
@options.path("--images FOLDER", "Folder of the images, for the audit and for classifiers that read them.")
@options.path(
    "--backbone NETWORK",
    "Add classifiers on a network of images: FILE.onnx, or FILE.py:NAME (a PyTorch module; runs the file).",
)
@options.option(
    "--backbone-set KEY=VALUE",
    "How to run it: size, mean, std, channel_order, layer, last_layers, cache. Repeat it.",
    multiple=True,
)
@options.option("--fast", "Skip learning curve, importances, families, confounds and controls.")
@options.number("--epochs N", "Maximal number of epochs of a network.", default=30)
@options.number("--seed N", "Random seed.", default=42)
@options.jobs
@options.engine
@options.limits
@options.csv_dialect
@options.figures
@options.json_result
def command(**given: Any) -> None:
    """Compare classifiers on a feature table.

    Audits the table for leaks first, keeps every group on one side of each fold, and reports every figure with a 95 %
    interval. Writes results.csv (a row per fold), scores.csv (out of fold), summary.csv, report.html, methods.md
    (sentences for a paper, to be edited) and ro-crate-metadata.json. A classifier that fails is a row with its reason,
    and the exit code is 1.

    \b
    Examples:
      ridgefeat bench features.csv --target sex --group subject -o out/
      ridgefeat bench features.csv --target sex --within finger --fuse subject -o out/
      ridgefeat bench features.csv --target age --classifiers ridge,rbf-svm -o out/
      ridgefeat bench features.csv --target sex --select min_icc=0.6,redundancy=0.9,fdr=0.05 -o out/
      ridgefeat bench --train a.csv --test b.csv --target sex -o out/
      ridgefeat bench features.csv --pairs subject --match sex -o out/
    """
    from ridgefeat.work.engine import using

    job = _job(given)
    folder = bench.make_folder(given["output"])
    with using(given["engine"], given["jobs"]), talk.progress_bars(BAR) as progress:
        comparison = bench.run(job, talk.command_line(), talk.echo, progress)
    for finding in comparison.audit.of_kind("too_good") if comparison.audit else ():
        talk.warn(finding.message)  # after the progress bar, whose line it would break
    with results_of("bench", folder) as temporary:
        bench.write_comparison(comparison, temporary, given["csv_dialect"])
        report.write_bench_page(comparison, temporary / "report.html")
        report.write_methods(comparison, temporary / "methods.md")
        _describe(comparison, temporary)
    talk.result(lambda: _record(comparison), _table(comparison))
    talk.echo(f"Written to {folder}")
    if given["figures"]:
        write_figures(report.bench_displays(comparison), given["figures"], "bench")
    if any(r.status == "failed" for r in comparison.runs):
        sys.exit(1)


def _job(given: dict[str, Any]) -> bench.Job:
    from ridgefeat.reliability import OWN_SET

    if (given["target"] is None) == (given["pairs"] is None):
        raise click.UsageError("give --target COLUMN, or --pairs COLUMN to compare prints two by two")
    if given["pairs"] is None and (given["differ"] or given["match"]):
        raise click.UsageError("--differ and --match say which prints are paired; give --pairs COLUMN")
    if given["select"] is None and given["reliability"] != OWN_SET:
        raise click.UsageError("--reliability says where --select finds columns' ICC; give --select CRITERIA")

    pick = partial(options.pick, given)
    paths: dict[str, Any] = {n: Path(given[n]) if given[n] else None for n in ("table", "train", "test", "images")}
    asked = bench.Options(
        classifiers=tuple(given["classifiers"] or ()),
        further=_backbone(given),
        images=paths.pop("images"),
        diagnose=not given["fast"],
        select=bench.read_criteria(given["select"], given["reliability"]) if given["select"] is not None else None,
        **pick(
            "within", "split", "folds", "repeats", "seed", "imbalance", "tune", "fuse", "jobs", "epochs", "harmonise"
        ),
    )
    return bench.Job(
        **paths,
        cross=tuple(map(Path, given["cross"])),
        families=tuple(given["families"]) if given["families"] else None,
        options=asked,
        target=given["target"] or "",
        **pick("feature_columns", "differ", "match", "pairs", "group", "kind", "positive", "on_duplicates"),
    )


def _backbone(given: dict[str, Any]) -> tuple[bench.Method, ...]:
    """Return the classifiers that a network adds."""
    if not given["backbone"]:
        if given["backbone_set"]:
            raise click.UsageError("--backbone-set says how a network is run; give --backbone NETWORK")
        return ()
    if not given["images"]:
        raise click.UsageError("--backbone reads images; give their folder with --images FOLDER")
    settings = bench.read_settings(given["backbone_set"])
    return bench.backbone_methods(given["backbone"], settings, given["classifiers"] or ())


def _describe(comparison: bench.Comparison, folder: Path) -> None:
    """Write the RO-Crate metadata of a comparison's files."""
    it, made = comparison.problem, comparison.reproduction
    start = "sha256 of "
    report.write_crate(
        folder,
        name=f"Classifiers compared on {it.target}",
        description=f"{len(it)} prints, {it.features.shape[1]} columns; {made.split}. See methods.md and report.html.",
        command=made.command,
        inputs={k.removeprefix(start): v for k, v in made.digests.items() if k.startswith(start)},
        versions=made.versions,
    )


def _record(comparison: bench.Comparison) -> dict[str, Any]:
    record = {"target": comparison.problem.target, "metric": comparison.problem.metric, "best": comparison.best}
    further = {"fused": comparison.fused_summary, "selection": comparison.selection}
    tables = {"classifiers": comparison.summary, **further}
    return record | {name: None if table is None else table.to_dict("records") for name, table in tables.items()}


def _table(comparison: bench.Comparison) -> str:
    """Return the summary for a terminal, best first."""
    metric = comparison.problem.metric
    heads = ["classifier", f"{metric} (95 %)"]
    fused = comparison.fused_summary
    if fused is not None:
        heads.append(f"by {comparison.fuse} (95 %)")
    other = {"binary": "balanced_accuracy", "multiclass": "accuracy", "regression": "r2"}[comparison.problem.kind]
    rows = [[*heads, other, "seconds", ""]]
    for record in comparison.summary.to_dict("records"):
        name = record["classifier"]
        cells = [name, _figure(record, metric)]
        if fused is not None:
            cells.append(_figure(fused[fused["classifier"] == name].iloc[0].to_dict(), metric))
        failed = record["status"] != "ok"
        cells += ["" if failed else f"{record[other]:.3f}", f"{record['seconds']:.1f}", record["reason"]]
        rows.append(cells)
    return talk.align(rows)


def _figure(record: dict[Any, Any], metric: str) -> str:
    value, low, high = record[metric], record[f"{metric}_low"], record[f"{metric}_high"]
    if value != value:
        return "failed" if record["status"] != "ok" else "undefined"
    return f"{value:.3f} ({low:.3f} to {high:.3f})" if low == low else f"{value:.3f}"
