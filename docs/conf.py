"""How Sphinx makes the site: `make docs`. It opens offline; nothing in it asks for a network."""

from __future__ import annotations

import re
from pathlib import Path

from ridgefeat import __version__

project = "ridgefeat"
author = "The ridgefeat authors"
project_copyright = "the ridgefeat authors, MIT licence"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
extensions += ["sphinx_copybutton", "sphinx_gallery.gen_gallery"]
exclude_patterns = ["_build", "_templates"]
html_theme = "furo"
html_title = "ridgefeat"
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["filter.js"]
html_show_sourcelink = False
html_copy_source = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
# Inherited docstrings of scikit-learn refer to its own site; links between pages are checked by MyST.
suppress_warnings = ["myst.header", "ref.term", "ref.ref", "ref.python"]

autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False

# Lessons written in cells ("# %%") are run, rendered as pages and offered as notebooks; other scripts are only listed.
EXAMPLES = Path(__file__).parents[1] / "examples"
CELLS = [p.stem for p in EXAMPLES.glob("*.py") if "\n# %%\n" in p.read_text(encoding="utf-8")]
sphinx_gallery_conf = {
    "examples_dirs": str(EXAMPLES),
    "gallery_dirs": "lessons",
    "filename_pattern": "",
    "ignore_pattern": rf"^(?!({'|'.join(CELLS)})\.py$)",
    "abort_on_example_error": True,
    "only_warn_on_example_error": False,
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
}

RESULTS = re.compile(r"\]\((?:\.\./)+benchmarks/results/(\w+)\.md\)")


def measured(match: re.Match[str]) -> str:
    """Return the link to a result's own part of the page that gathers all of them."""
    from myst_parser.mdit_to_docutils.base import default_slugify

    path = Path(__file__).parents[1] / "benchmarks" / "results" / f"{match[1]}.md"
    if not path.is_file():
        return match[0]
    title = path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
    return f"](/reference/measured.md#{default_slugify(title)})"


def setup(app: object) -> None:
    """Let links to the benchmarks' results, which are files in the repository, lead to the site's page of them."""

    def rewrite(_app: object, _name: str, source: list[str]) -> None:
        source[0] = RESULTS.sub(measured, source[0])

    app.connect("source-read", rewrite)  # type: ignore[attr-defined]
