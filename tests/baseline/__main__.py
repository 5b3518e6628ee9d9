"""`python -m tests.baseline "why the values change"`: measure the stored prints again."""

import sys

from tests.baseline.baseline_values import update

if len(sys.argv) != 2 or len(sys.argv[1].strip()) < 10:
    sys.exit('Give the reason for the change: make baseline REASON="..."')
print(update(sys.argv[1]))
