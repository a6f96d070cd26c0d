"""Sphinx: how the documentation is built. `python -m sphinx -W -b html docs build/docs`."""

from __future__ import annotations

import os
import sys
from configparser import ConfigParser
from pathlib import Path

EXTENSIONS = str(Path(__file__).parent / "_ext")
sys.path.insert(0, EXTENSIONS)
# The kernels of pages with cells import from there too.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [EXTENSIONS, os.environ.get("PYTHONPATH")]))

from srspace_eval import __version__  # noqa: E402

SETUP = ConfigParser()
SETUP.read(Path(__file__).parents[1] / "setup.cfg", encoding="utf-8")
URLS = dict(line.split(" = ") for line in SETUP["metadata"]["project_urls"].split("\n") if line)

project = "srspace-eval"
author = "The srspace-eval contributors"
copyright = author  # noqa: A001
release = version = __version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_click",
    "generated_pages",
]
exclude_patterns = ["_build"]
templates_path: list[str] = []
suppress_warnings = ["config.cache"]

smartquotes = False  # options and commands are copied from pages

html_theme = "furo"
html_baseurl = URLS["Documentation"] + "/"
html_title = f"srspace-eval {__version__}"
html_static_path = ["_static"]
html_css_files = ["docs.css"]
html_js_files = ["docs.js"]
html_show_sourcelink = False
# Furo's default greys have too little contrast in some places (WCAG 2.2 AA).
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_theme_options = {
    "light_css_variables": {"color-foreground-muted": "#565b62", "color-toc-item-text": "#565b62"},
    "dark_css_variables": {"color-foreground-muted": "#a5adb8", "color-toc-item-text": "#a5adb8"},
}

myst_enable_extensions = ["colon_fence", "deflist", "substitution"]
myst_substitutions = {
    "links": ", ".join(f"[{name.lower()}]({url})" for name, url in URLS.items() if name != "Documentation"),
}
myst_heading_anchors = 3

# Cells run once a build. A cell that fails or prints to stderr fails the build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_execution_show_tb = True
nb_merge_streams = True
nb_render_markdown_format = "myst"  # the default, CommonMark, has no tables

autodoc_typehints = "signature"  # docstrings say what the values mean
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
maximum_signature_line_length = 88  # longer signatures have one parameter per line
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
