"""/guide: the Markdown pages of `app/docs`, rendered as HTML, and notebooks; for programs, /llms.txt and Markdown."""

import re
from functools import cache
from html import escape
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from app.errors import NotFound

DOCS = Path(__file__).parents[2] / "docs"
INDEX = "index"
MARKDOWN = ".md"
STYLE = """
body { max-width: 48rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.6 system-ui, sans-serif; color: #1c2430; }
nav { border-bottom: 1px solid #d5dae1; padding-bottom: 0.5rem; }
nav a { margin-right: 1rem; }
a { color: #0b57c4; }
h1, h2, h3 { line-height: 1.25; }
pre { background: #f4f6f8; padding: 0.8rem 1rem; overflow-x: auto; border-radius: 4px; line-height: 1.45; }
code { font: 0.9em ui-monospace, monospace; background: #f4f6f8; overflow-wrap: anywhere; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
img { max-width: 100%; border: 1px solid #d5dae1; border-radius: 6px; }
th, td { border: 1px solid #d5dae1; padding: 0.35rem 0.6rem; text-align: left; vertical-align: top; }
@media (prefers-color-scheme: dark) {
  body { background: #14181e; color: #dfe5ec; }
  a { color: #7ab3ff; }
  pre, code { background: #1f252d; }
}
"""

router = APIRouter(include_in_schema=False)


@router.get("/llms.txt")
def overview(request: Request) -> Response:
    """Say what Serendip is and where to read on, in the form of https://llmstxt.org."""
    text = (DOCS / "llms.txt").read_text("utf-8").replace("](/", f"]({request.scope.get('root_path', '')}/")
    return Response(text, media_type="text/markdown")


@router.get("/guide")
def index(request: Request) -> Response:
    return page(request, INDEX)


@router.get("/guide/style.css")
def style() -> Response:
    return Response(STYLE, media_type="text/css")


@router.get("/guide/pictures/{name}")
def picture(name: str) -> Response:
    """Send a picture of the console.

    Raises:
        NotFound: there is no such picture.
    """
    path = _pictures().get(name)
    if path is None:
        raise NotFound("There is no such picture.")
    return Response(path.read_bytes(), headers={"Cache-Control": "max-age=86400"}, media_type="image/png")


@router.get("/guide/{name}.ipynb")
def notebook(name: str) -> Response:
    """Send a notebook of the guides.

    Raises:
        NotFound: there is no such notebook.
    """
    path = _notebooks().get(name)
    if path is None:
        raise NotFound("There is no such notebook.")
    return Response(path.read_bytes(), media_type="application/x-ipynb+json")


@router.get("/guide/{name:path}")
def page(request: Request, name: str) -> Response:
    """Render one page, or send its Markdown. Only files listed in `_paths` can be named, none outside of the folder.

    Raises:
        NotFound: there is no such page.
    """
    path = _paths().get(name.removesuffix(MARKDOWN))
    if path is None:
        raise NotFound("There is no such page. /guide lists them all.")
    if name.endswith(MARKDOWN):
        return Response(path.read_text("utf-8"), media_type="text/markdown")
    return HTMLResponse(_render(path, f"{request.scope.get('root_path', '')}/guide"))


@cache
def _paths() -> dict[str, Path]:
    """The file of each page by its name, such as `data` or `decisions/0001-negative-weights`."""
    return {path.relative_to(DOCS).with_suffix("").as_posix(): path for path in DOCS.rglob("*.md")}


@cache
def _pictures() -> dict[str, Path]:
    return {path.name: path for path in (DOCS / "pictures").glob("*.png")}


@cache
def _notebooks() -> dict[str, Path]:
    return {path.stem: path for path in DOCS.glob("*.ipynb")}


@cache
def _render(path: Path, base: str) -> str:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - the OpenAPI document loads all routes, and needs no Markdown

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(path.read_text("utf-8"))
    for position, token in enumerate(tokens):
        if token.type == "heading_open":  # the next one is its text
            token.attrSet("id", re.sub(r"\W+", "-", tokens[position + 1].content.lower()).strip("-"))
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("href", _link(str(child.attrGet("href")), path, base))
            if child.type == "image":
                source = (path.parent / str(child.attrGet("src"))).resolve()
                child.attrSet("src", f"{base}/{source.relative_to(DOCS).as_posix()}")
    title = next((tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "heading_open"), path.stem)
    body = markdown.renderer.render(tokens, markdown.options, {})
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} - Serendip</title>'
        f'<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f'<link rel="stylesheet" href="{base}/style.css"></head>'
        f'<body><nav><a href="{base}">Guides</a><a href="{base.removesuffix("/guide")}/docs">API reference</a></nav>'
        f"<main>{body}</main></body></html>"
    )


def _link(href: str, path: Path, base: str) -> str:
    """Turn a relative link to another page's file into that page's URL; leave other links as they are."""
    target = (path.parent / href).resolve()
    if not href.endswith(".md") or not target.is_relative_to(DOCS):
        return href
    return f"{base}/{target.relative_to(DOCS).with_suffix('').as_posix()}"
