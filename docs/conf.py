# ruff: noqa: INP001 - Sphinx reads it by its place
"""How `./demo docs` makes pages of the documents in this folder."""

import hashlib
import os
import re
from pathlib import Path

from docutils import nodes
from pygments.lexers.special import TextLexer
from sphinx import addnodes
from sphinx.application import Sphinx

project = "One read model from many databases"
extensions = ["myst_parser"]
root_doc = "index"
highlight_language = "none"
myst_heading_anchors = 4
html_theme = "furo"
html_title = project
html_favicon = "../services/catalog/catalog_service/web/assets/icon.svg"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False

_ATTRIBUTE = re.compile(r' style="([^"]*)"')
_INLINE = re.compile(r"<(?P<tag>script|style)>(?P<text>.+?)</(?P=tag)>", re.DOTALL)


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_lexer("mermaid", TextLexer)  # its drawings are scripts from elsewhere: the source is shown
    app.connect("doctree-read", link_out, priority=400)  # before Sphinx looks for what is to be downloaded
    app.connect("build-finished", move_out)


def link_out(app: Sphinx, document: nodes.document) -> None:
    """Links to files of the repository become downloads, those to its folders plain words: there are no pages of them."""
    folder = Path(app.env.doc2path(app.env.docname)).parent
    for link in list(document.findall(addnodes.pending_xref)):
        target = link["reftarget"].partition("#")[0]
        if link["reftype"] != "myst" or not target or target in app.env.found_docs:
            continue
        is_document = link.get("refdomain") == "doc"
        place = Path(app.srcdir, f"{target}.md") if is_document else folder / target
        if place.is_dir():
            link.replace_self(link.children)
        elif place.is_file():
            there = os.path.relpath(place, app.srcdir)
            download = addnodes.download_reference("", "", *link.children, reftarget=f"/{there}")
            link.replace_self(download)


def move_out(app: Sphinx, failure: Exception | None) -> None:
    """Move the theme's scripts and styles out of the pages: whoever serves these may forbid what is written into them."""
    if failure is not None:
        return
    root = Path(app.outdir)
    for page in root.rglob("*.html"):
        up = "../" * (len(page.relative_to(root).parts) - 1)
        text = page.read_text(encoding="utf-8")
        moved = _moved(text, root, up)
        if moved != text:
            page.write_text(moved, encoding="utf-8")


def _moved(text: str, root: Path, up: str) -> str:
    """The page with a link in place of each script and style; `up` leads from it to `root`."""
    styles = {_name(style): style for style in _ATTRIBUTE.findall(text)}
    if styles:
        rules = "".join(f'[data-style="{name}"] {{ {style} }}\n' for name, style in sorted(styles.items()))
        text = _ATTRIBUTE.sub(lambda found: f' data-style="{_name(found[1])}"', text)
        text = text.replace("</head>", f"<style>{rules}</style></head>", 1)
    return _INLINE.sub(lambda found: _file_of(found, root, up), text)


def _file_of(found: re.Match[str], root: Path, up: str) -> str:
    """The element that loads the text of `found`, which is now a file."""
    text = found["text"].strip() + "\n"
    kind = "js" if found["tag"] == "script" else "css"
    name = f"_static/theme-{_name(text)}.{kind}"
    (root / name).write_text(text, encoding="utf-8")
    if kind == "js":
        return f'<script src="{up}{name}"></script>'
    return f'<link rel="stylesheet" href="{up}{name}">'


def _name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
