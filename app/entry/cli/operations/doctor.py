"""`serendip doctor` reports what is wrong and how to fix it; `serendip migrate` adds what tables lack."""

import sys
from dataclasses import asdict

from rich.table import Table

from app.entry.cli.terminal import AsJson, connect_wired, console, print_json


def doctor(*, as_json: AsJson = False) -> None:
    """Check credentials, tables, indexes, expiry, streams, backups, files, models and keys. Exits with 1 on a fault."""
    from app.entry.cli.operations import checks

    with connect_wired() as wired:
        findings = list(checks.examine(wired))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        table = Table("", "Check", "Result", "What to do")
        for finding in findings:
            state = "[green]ok[/]" if finding.good else "[red]wrong[/]"
            table.add_row(state, finding.name, finding.detail, finding.advice)
        console.print(table)
    if not all(finding.good for finding in findings):
        sys.exit(1)


def migrate() -> None:
    """Create missing tables, and add missing indexes, expiry and streams to existing ones. No data is lost.

    `make deploy` changes the tables that CloudFormation owns.
    """
    from app.storage.admin import migration

    with connect_wired() as wired:
        fixes, left = migration.migrate(wired.database), migration.differences(wired.database)
    for fix in fixes:
        console.print(f"Fixed: {fix}.", highlight=False)
    for difference in left:
        console.print(f"Not fixed: {difference.table} {difference.what}. {difference.advice}", highlight=False)
    if not fixes and not left:
        console.print("All tables are as they should be.")
    if left:
        sys.exit(1)
