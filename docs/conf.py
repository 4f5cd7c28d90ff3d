"""How the documentation is built: sphinx-build -W --keep-going docs docs/_build. It needs no network."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "symloss"
author = "The symloss authors"
copyright = "The symloss authors"
version = release = installed("symloss")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "commands", "mathml"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3

smartquotes = False  # names and options stay as they are typed

html_theme = "furo"
html_title = "symloss"
html_static_path = ["_static"]
html_css_files = ["symloss.css"]
html_copy_source = False
html_show_copyright = False
# Formulas are MathML, which browsers draw themselves: MathJax would be fetched from elsewhere.
html_math_renderer = "mathml"

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_custom_sections = ["Shape"]
napoleon_use_ivar = True
python_maximum_signature_line_length = 90
python_use_unqualified_type_names = True


def _signature(app: Sphinx, *call: Any) -> tuple[str | None, str | None]:
    """Write what a dataclass makes anew as ..., which is Python, so that the signature can be read as such."""
    signature, returned = call[-2:]
    if signature is not None:
        signature = re.sub(r"~(?:\w+\.)+", "", signature).replace("<factory>", "...")
    return signature, returned


def setup(app: Sphinx) -> None:
    """Tidy signatures."""
    app.connect("autodoc-process-signature", _signature)
