"""The command line: `serendip --help`.

Importing the commands is cheap: each loads the database, the web framework and so on only when it runs.
"""

import os
import signal
import sys
from collections.abc import Sequence

import typer
from rich.markup import escape

from app.entry.cli import (
    access,
    evaluate,
    event_types,
    events,
    imports,
    jobs,
    mistakes,
    models,
    recommend,
    serve,
    train,
)
from app.entry.cli.operations import backup, cost, doctor, exports, mcp, openapi, stream
from app.entry.cli.terminal import problems

INTERRUPTED = 130

cli = typer.Typer(
    help="Recommendations as a serverless API.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # loading Rich's formatter takes longer than all commands
)
cli.command("serve")(serve.serve)
cli.command("import")(imports.import_)
cli.command("imports")(imports.imports)
cli.command("train")(train.train)
cli.command("recommend")(recommend.recommend)
cli.command("evaluate")(evaluate.evaluate)
cli.command("export")(exports.export)
cli.command("mcp")(mcp.mcp)
cli.command("openapi")(openapi.openapi)
cli.command("backup")(backup.backup)
cli.command("restore")(backup.restore)
cli.command("cost")(cost.cost)
cli.command("doctor")(doctor.doctor)
cli.command("migrate")(doctor.migrate)
cli.add_typer(models.models, name="models")
cli.add_typer(event_types.event_types, name="event-types")
cli.add_typer(access.projects, name="projects")
cli.add_typer(access.keys, name="keys")
cli.add_typer(jobs.jobs, name="jobs")
cli.add_typer(events.events, name="events")
cli.add_typer(stream.stream, name="stream")


def main() -> None:
    for ending in (signal.SIGTERM, signal.SIGHUP):  # also if the terminal is closed: stop the database
        if signal.getsignal(ending) is not signal.SIG_IGN:  # as nohup sets it
            signal.signal(ending, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Runs a command; returns its exit code. Every expected error is one sentence on standard error."""
    try:
        result = cli(args=list(arguments), prog_name="serendip", standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:  # the reader of the output, for example `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if hasattr(error, "exit_code") and hasattr(error, "show"):  # Typer's own usage errors
            error.show()
            return int(error.exit_code)
        sentence = mistakes.sentence(error)
        if sentence is None:
            raise
        problems.print(f"[red]Error:[/] {escape(sentence)}", highlight=False, soft_wrap=True)
        return 1
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    main()
