"""`ridgefeat doctor`: whether all is well on this machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ridgefeat.cli import options, talk

if TYPE_CHECKING:
    from ridgefeat.table.doctor import Finding

COLOURS = {"ok": "green", "optional": "yellow", "wrong": "red"}


@click.command("doctor")
@options.json_result
def command() -> None:
    """Say what this installation is made of, and whether it measures what it should.

    Versions, missing system libraries, BLAS and its threads, extras; one simulated print whose numbers are known; and
    how many prints a second to expect. The exit code is 1 if something is wrong; a missing extra is not wrong.

    \b
    Examples:
      ridgefeat doctor
      ridgefeat doctor --json > doctor.json
    """
    from ridgefeat.table.doctor import examine, healthy

    talk.detail("one print is made and measured …")
    findings = examine()
    talk.result({"healthy": healthy(findings), "findings": findings}, _lines(findings))
    if not healthy(findings):
        talk.say("Something is wrong; the lines above say what to do.")
        sys.exit(1)
    talk.say("All is well.")


def _lines(findings: list[Finding]) -> str:
    """Return findings for a terminal, part by part."""
    width = max(len(f.name) for f in findings)
    lines, part = [], ""
    for f in findings:
        if f.part != part:
            part = f.part
            lines.append(click.style(part, bold=True))
        state = click.style(f"{f.state:10}", fg=COLOURS[f.state])
        lines.append(f"  {state}{f.name:{width}}  {f.value}")
        if f.advice:
            lines.append(f"{'':{width + 14}}{f.advice}")
    return "\n".join(lines)
