"""Every error's message speaks in one voice: what is wrong, with what value, what to do; no shouting, no begging."""

import ast
import re
from pathlib import Path

import pytest

import ridgefeat
from ridgefeat import errors

KINDS = {name for name in vars(errors) if name.endswith("Error")} | {"UsageError", "BadParameter", "Unusable"}
PACKAGE = Path(ridgefeat.__file__).parent
NAMES = ("CSV", "ISO/IEC", "JPEG", "ONNX", "OpenCV", "Parquet", "WSQ", "TIFF", "PNG", "BMP")
PROPER = (*NAMES, "X ", "Only binary", "Missing ")
"""What a message may begin with in capitals; the last two are scikit-learn's and click's own wordings."""
REFUSED = r"!|\b[Pp]lease\b|\b[Ii]nvalid\b|\b[Uu]nable\b|\b[Ff]ailed to\b|\b[Ss]orry\b|\b[Oo]ops\b|\billegal\b"


def text(node: ast.expr) -> str:
    """Return a message with `{}` where a value stands."""
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    if isinstance(node, ast.BinOp):
        return text(node.left) + text(node.right)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "{}"


def messages() -> list[tuple[str, str]]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node, "func", None) if isinstance(node, ast.Call) else None
            called = getattr(name, "id", None) or getattr(name, "attr", None)
            if called in KINDS and node.args and text(node.args[0]) != "{}":
                found.append((f"{path.relative_to(PACKAGE)}:{node.lineno}", text(node.args[0])))
    return found


MESSAGES = messages()


def test_messages_are_found():
    assert len(MESSAGES) > 300


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(lambda m: not re.search(REFUSED, m), id="calm"),
        pytest.param(lambda m: not m.rstrip().endswith((".", "!")) or m.startswith("Missing "), id="no full stop"),
        pytest.param(lambda m: not m[:1].isupper() or m.startswith(PROPER), id="small letter first"),
        pytest.param(lambda m: not re.search(r"(?<![\w\-}{])-[a-z]{3,}\b", m), id="long options with two dashes"),
        pytest.param(lambda m: not re.search(r"pip install ridgefeat\[", m), id="extras in quotes, which zsh needs"),
        pytest.param(lambda m: "\n" not in m and "  " not in m, id="one line"),
    ],
)
def test_every_message_keeps_the_rule(rule):
    assert [f"{where}: {message}" for where, message in MESSAGES if not rule(message)] == []
