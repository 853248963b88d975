"""A stage's stack of tables, from tables that were restored from a backup."""

from collections.abc import Mapping
from typing import Any

from infra.account import Account
from infra.stage import BOOTSTRAP, prefix_of, settings_of, table_name, tables_parameters
from infra.variants import load


def adopt_tables(account: Account, stage: str, source: str) -> None:
    """Creates a stage's tables stack from existing tables that were restored from another stage's backup.

    Raises:
        Failed: CloudFormation refused it.
    """
    prefix, template = prefix_of(stage), load("tables")
    present = {}
    for key, resource in template["Resources"].items():
        if resource["Type"] == "AWS::DynamoDB::Table" and resource["DeletionPolicy"] != "Delete":
            present[key] = {"TableName": table_name(prefix, key)}
            resource["Properties"] = _importable(resource["Properties"])
    parameters = {"TablePrefix": prefix} | tables_parameters(settings_of(stage))
    bucket = account.stacks.outputs(BOOTSTRAP)["CodeBucket"]
    account.stacks.adopt(f"{prefix}tables", template, parameters, present, bucket)
    account.keep_secret(stage, account.secret(source))


def _importable(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Keeps the properties that a restored table has; the stack's first update adds the rest (protection, stream)."""
    names = ("TableName", "BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    kept = {name: properties[name] for name in names if name in properties}
    for index in kept.get("GlobalSecondaryIndexes", ()):
        del index["OnDemandThroughput"]
    return kept
