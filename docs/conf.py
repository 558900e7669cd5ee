"""How Sphinx makes a site of these pages: `make site`."""

from __future__ import annotations

from importlib import metadata

from sphinx.application import Sphinx

project = "Tiledesk archive and analytics"
author = "the project's authors"
release = metadata.version("tiledesk-archive")
html_title = project

extensions = ["myst_parser"]
myst_heading_anchors = 4
nitpicky = True
suppress_warnings = ["misc.highlighting_failure"]  # DuckDB's SQL has structs

html_theme = "furo"
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"footer_icons": []}


def setup(app: Sphinx) -> None:
    """Lead links to the changelog, which lies outside of this folder, to its page here."""

    def read(_app: Sphinx, _page: str, source: list[str]) -> None:
        source[0] = source[0].replace("](../CHANGELOG.md)", "](changes.md)")

    app.connect("source-read", read)
