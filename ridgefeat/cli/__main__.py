"""`python -m ridgefeat.cli`, where the command itself is not on the path."""

from ridgefeat.cli import main

main(prog_name="ridgefeat")
