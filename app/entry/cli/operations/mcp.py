"""`serendip mcp`: lets an assistant read a project over the Model Context Protocol."""

from pathlib import Path
from typing import Annotated

import typer

from app.entry.cli.mistakes import readable_path
from app.entry.errors import SetupError


def mcp(
    url: Annotated[str, typer.Option(envvar="SERENDIP_URL", help="The address of the API.")] = "http://127.0.0.1:8000",
    key_file: Annotated[
        Path | None, typer.Option(help="A file with a key of scope read:all. Default: SERENDIP_API_KEY.")
    ] = None,
    api_key: Annotated[str | None, typer.Option(envvar="SERENDIP_API_KEY", hidden=True)] = None,
) -> None:
    """Let an assistant read the project, over standard input and output (Model Context Protocol)."""
    try:
        from serendip_client import mcp_server
    except ImportError as error:
        raise SetupError(
            f"`serendip mcp` needs a package that is not installed ({error.name}). Run `make mcp`."
        ) from error
    if key_file is not None:
        api_key = readable_path(key_file).read_text().strip()
    try:
        mcp_server.run(url, api_key)
    except mcp_server.Unusable as error:
        raise SetupError(str(error)) from error
