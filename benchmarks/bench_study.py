"""The table of the first study compared with ours: its protocol, its mistake, and the same models split by person.

python benchmarks/bench_study.py [EPOCHS]: runs examples/reproduce_study.py on SOCOFing's real prints.
"""

from _common import ROOT, need, report, table  # isort: skip

import sys

sys.path.insert(0, str(ROOT / "examples"))

import reproduce_study as study


def main(epochs: str = "20") -> None:
    folder = need("SOCOFing") / "Real"
    lines = study.main([str(folder), "--epochs", epochs])
    data = study.balanced(study.read(folder))
    women, men = (len(set(data.who[data.y == code])) for code in (0, 1))
    report(
        "bench_study",
        "A study of sex from images, and its mistake",
        [
            f"{len(data.y)} images of SOCOFing, half of each sex ({women} women, {men} men; the study took 1,000 "
            "images of each sex), resized to 128 x 128 px. CNN: two convolutions, "
            f"{epochs} epochs, in one split; by person the others in five folds. `mistaken`: the test fifth comes from "
            "another split than the training images. Intervals by bootstrap over people. "
            "Seen: share of the test images that are training images.",
            table(study.HEADS, [line.cells(study.PUBLISHED) for line in lines]),
        ],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
