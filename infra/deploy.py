"""Create or update the whole system in the AWS account of the current credentials (`make deploy`)."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from app.entry.errors import SetupError
from infra import synthesis
from infra.account import Account, current_account
from infra.packages import ROOT, Unpackable
from infra.restoring import adopt_tables
from infra.stacks import Failed
from infra.stage import (
    BOOTSTRAP,
    FLAVOURS,
    bring_up,
    check_account,
    check_concurrency,
    check_flavour,
    check_front,
    check_functions,
    prefix_of,
    recipient,
    settings_of,
    tear_down,
)

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Stage = Annotated[str, typer.Option(help="Name of a file in infra/stages, such as dev or prod.")]


@command.command()
def restore(
    backup: str, source: Annotated[str, typer.Option("--from", help="Stage that the backup was made of.")], stage: Stage
) -> None:
    """Restore another stage's backup into the tables of a new stage. Deploy the new stage afterwards."""
    settings_of(stage)
    account = current_account()
    bucket = account.stacks.outputs(prefix_of(source) + "tables")["Files"]
    status = _command_line(account, stage, ["restore", backup, "--bucket", bucket])
    if status:
        sys.exit(status)
    adopt_tables(account, stage, source)
    print(f"Next: make deploy STAGE={stage}")


@command.command()
def deploy(
    stage: Stage = "dev",
    flavour: Annotated[str, typer.Option(help="zip or image")] = "zip",
    email: Annotated[str, typer.Option(help="Who gets alarms. Kept for later deployments.")] = "",
) -> None:
    """Build and upload the code, then create or update the stacks: tables, application, alarms."""
    if flavour not in FLAVOURS:
        raise Failed(f"Unknown flavour: {flavour}. Use {' or '.join(FLAVOURS)}.")
    settings = settings_of(stage)
    if flavour == "image" and settings.get("snapstart", False):
        raise Failed("SnapStart supports only zip packages. Deploy with FLAVOUR=zip, or turn snapstart off.")
    account = current_account()
    check_account(account, stage)
    check_flavour(account, stage, flavour)
    check_functions(account, stage)
    warnings = (check_concurrency(account, stage), check_front(stage))
    email = email or recipient(account, stage) or _asked_email(stage, needed=settings.get("needs_email", False))
    print(f"Deploying {prefix_of(stage)}* to {account.region}, from {flavour}")
    for warning in filter(None, warnings):
        print(warning)
    for name, value in bring_up(account, stage, FLAVOURS[flavour], email).items():
        print(f"  {name}: {value}")
    print(f"Next: make admin-key STAGE={stage}")


@command.command()
def templates(stage: Stage = "dev") -> None:
    """Build the code and write the templates of a stage, for SAM, Terraform, CDK or the AWS command line."""
    tables, application, *others = synthesis.write(stage)
    for path in (tables, application, synthesis.write_plain(application), *others):
        print(f"  {path.relative_to(ROOT)}")


@command.command()
def destroy(
    stage: Stage, confirm: Annotated[str, typer.Option(help="The stage's name again; otherwise it is asked for.")] = ""
) -> None:
    """Delete a stage with all of its data. Stages with protected tables are refused."""
    account = current_account()
    settings_of(stage)
    if (
        confirm or typer.prompt(f"Type {stage} to delete {prefix_of(stage)}* in {account.region}, data included")
    ) != stage:
        raise Failed("Nothing was deleted.")
    tear_down(account, stage)
    print(f"Deleted {prefix_of(stage)}*. {BOOTSTRAP} stays for other stages.")


def _asked_email(stage: str, *, needed: bool) -> str:
    if not needed:
        return ""
    if not sys.stdin.isatty():
        raise Failed(f"The stage {stage} needs an address that gets alarms: make deploy STAGE={stage} EMAIL=...")
    return str(typer.prompt("Who gets alarms by email?"))


@command.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(context: typer.Context, stage: Stage = "dev") -> None:
    """Run a `serendip` command on a deployed stage, for example `run --stage dev doctor`."""
    sys.exit(_command_line(current_account(), stage, context.args))


def _command_line(account: Account, stage: str, arguments: Sequence[str]) -> int:
    """Runs `serendip` on a stage; returns its exit status."""
    environment = {
        **os.environ,
        "SERENDIP_SECRET": account.secret(stage),
        "SERENDIP_TABLE_PREFIX": prefix_of(stage),
        "SERENDIP_REGION": account.region,
    }
    files = account.stacks.outputs(prefix_of(stage) + "tables").get("Files")
    if files is not None:
        environment["SERENDIP_FILES"] = files
    outputs = account.stacks.outputs(prefix_of(stage) + "application")
    environment["SERENDIP_FRONT"] = "api" if "HttpApiId" in outputs or not outputs else "url"
    event_days = account.stacks.parameters(prefix_of(stage) + "application").get("EventDays")
    if event_days:
        environment["SERENDIP_EVENT_DAYS"] = event_days
    cli = str(Path(sys.executable).with_name("serendip"))
    return subprocess.run([cli, *arguments], env=environment, check=False).returncode


def main() -> None:
    try:
        command()
    except (Failed, Unpackable, SetupError, BotoCoreError, ClientError) as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
