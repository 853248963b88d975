"""`serendip openapi`: print the OpenAPI document."""

from typing import Annotated

import typer


def openapi(
    function: Annotated[
        str | None,
        typer.Option(metavar="ARN", help="Print the document for an import into API Gateway, with this function."),
    ] = None,
    *,
    rest: Annotated[bool, typer.Option("--rest", help="For a REST API instead of an HTTP API.")] = False,
) -> None:
    """Print the OpenAPI document."""
    import orjson

    from app.entry.cli.operations import gateway_document

    document = gateway_document.plain()
    if function is not None:
        try:
            document = gateway_document.importable(document, function, rest=rest)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    print(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())  # noqa: T201 - to be piped
