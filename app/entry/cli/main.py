"""The command line: `serendip --help`."""

import signal

import typer
from pydantic import ValidationError

from app.config import PREFIX
from app.entry.cli import access, evaluate, exports, imports, jobs, models, openapi, recommend, serve, train
from app.entry.cli.operations import backup, cost, doctor, stream
from app.entry.cli.terminal import problems
from app.entry.errors import SetupError
from app.entry.jobs.file_rows import FileError
from app.errors import SerendipError

cli = typer.Typer(help="Recommendations as a serverless API.", no_args_is_help=True, pretty_exceptions_enable=False)
cli.command("serve")(serve.serve)
cli.command("import")(imports.import_)
cli.command("train")(train.train)
cli.command("recommend")(recommend.recommend)
cli.command("evaluate")(evaluate.evaluate)
cli.command("export")(exports.export)
cli.command("openapi")(openapi.openapi)
cli.command("backup")(backup.backup)
cli.command("restore")(backup.restore)
cli.command("cost")(cost.cost)
cli.command("doctor")(doctor.doctor)
cli.command("migrate")(doctor.migrate)
cli.add_typer(models.models, name="models")
cli.add_typer(access.projects, name="projects")
cli.add_typer(access.keys, name="keys")
cli.add_typer(jobs.jobs, name="jobs")
cli.add_typer(stream.stream, name="stream")


def main() -> None:
    """Run the command line. Every expected error is one line that says what to do."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        cli(standalone_mode=False)
    except (SerendipError, FileError, SetupError) as error:
        _fail(str(error), error)
    except ValidationError as error:
        issues = (f"{PREFIX}{'_'.join(map(str, issue['loc'])).upper()}: {issue['msg']}" for issue in error.errors())
        _fail("; ".join(issues), error)
    except (typer.Abort, KeyboardInterrupt) as error:
        raise SystemExit(130) from error
    except Exception as error:
        if hasattr(error, "exit_code") and hasattr(error, "show"):  # click's own usage errors
            error.show()
            raise SystemExit(error.exit_code) from error
        raise


def _fail(message: str, error: Exception) -> None:
    problems.print(f"[red]Error:[/] {message}", highlight=False)
    raise SystemExit(1) from error


if __name__ == "__main__":
    main()
