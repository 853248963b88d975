"""Creates and updates CloudFormation stacks."""

import json
from collections.abc import Mapping
from secrets import token_hex
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError, WaiterError

from infra.variants import Template

INLINE_BYTES = 51_200
"""CloudFormation's limit for a template in a request; a longer one goes through a bucket."""
NOT_YET = "REVIEW_IN_PROGRESS"
"""Status of a stack that has a change set but no resources yet."""
FAILED_FIRST = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}
"""Statuses of a stack that cannot be updated, only deleted."""
POLL = {"Delay": 5, "MaxAttempts": 360}


class Failed(Exception):
    """A stack could not be created or updated; the message lists CloudFormation's reasons."""


class Stacks:
    def __init__(self, cloudformation: BaseClient, s3: BaseClient) -> None:
        self._client, self._s3 = cloudformation, s3

    def outputs(self, name: str) -> dict[str, str]:
        """Returns a stack's outputs; empty if the stack does not exist."""
        return {output["OutputKey"]: output["OutputValue"] for output in self._describe(name).get("Outputs", ())}

    def parameters(self, name: str) -> dict[str, str]:
        """Returns a stack's parameters as last deployed; empty if the stack does not exist."""
        parameters = self._describe(name).get("Parameters", ())
        return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in parameters}

    def apply(
        self,
        name: str,
        template: Template,
        parameters: Mapping[str, Any],
        bucket: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Creates or updates the stack, and tags all of its resources; does nothing if nothing changed.

        A stack that cannot be created is deleted.

        Raises:
            Failed: CloudFormation refused it or rolled it back.
        """
        labels = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
        if self.exists(name):
            self._change(name, "UPDATE", template, parameters, bucket, Tags=labels)
        else:
            self.delete(name)
            self._change(name, "CREATE", template, parameters, bucket, OnStackFailure="DELETE", Tags=labels)

    def exists(self, name: str) -> bool:
        """Whether the stack was created; one that failed to be was not."""
        return self._describe(name).get("StackStatus", NOT_YET) not in {NOT_YET, *FAILED_FIRST}

    def delete(self, name: str, bucket: str | None = None) -> None:
        """Deletes the stack, if there is one, and its template in the bucket.

        Raises:
            Failed: one of its resources cannot be deleted.
        """
        stack_id = self._describe(name).get("StackId")
        if stack_id is not None:
            self._client.delete_stack(StackName=stack_id)
            self._wait("stack_delete_complete", name, stack_id)
        if bucket is not None:
            self._s3.delete_object(Bucket=bucket, Key=_template_key(name))

    def adopt(
        self,
        name: str,
        template: Template,
        parameters: Mapping[str, Any],
        present: Mapping[str, Mapping[str, str]],
        bucket: str | None = None,
    ) -> None:
        """Creates a stack from those of the template's resources that already exist; `apply` then adds the others.

        `present` maps a resource's name in the template to its identifier.

        Raises:
            Failed: CloudFormation refused it.
        """
        resources = {key: template["Resources"][key] for key in present}
        kept = {key: value for key, value in template.items() if key != "Outputs"} | {"Resources": resources}
        imported = [
            {"ResourceType": resources[key]["Type"], "LogicalResourceId": key, "ResourceIdentifier": dict(identifier)}
            for key, identifier in present.items()
        ]
        self._change(name, "IMPORT", kept, parameters, bucket, ResourcesToImport=imported)

    def _change(
        self,
        name: str,
        kind: str,
        template: Template,
        parameters: Mapping[str, Any],
        bucket: str | None,
        **more: object,
    ) -> None:
        change = {"StackName": name, "ChangeSetName": f"deploy-{token_hex(6)}"}
        request = {
            **change,
            "ChangeSetType": kind,
            "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            "Parameters": [{"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()],
            **self._body(name, template, bucket),
            **more,
        }
        try:
            stack_id = self._client.create_change_set(**request)["StackId"]
            if not self._ready(change):
                return
            self._client.execute_change_set(**change)
        except ClientError as error:
            raise Failed(f"The stack {name} was refused: {error}") from error
        self._wait(f"stack_{kind.lower()}_complete", name, stack_id)

    def _wait(self, until: str, name: str, stack_id: str) -> None:
        """Waits for a stack, by its id, because a deleted stack is not found by its name."""
        try:
            self._client.get_waiter(until).wait(StackName=stack_id, WaiterConfig=POLL)
        except WaiterError as error:
            raise Failed(f"The stack {name} failed:\n" + "\n".join(self._reasons(stack_id))) from error

    def _describe(self, name: str) -> Mapping[str, Any]:
        """Describes a stack; empty if it does not exist."""
        try:
            (stack,) = self._client.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return {}
            raise
        description: Mapping[str, Any] = stack
        return description

    def _body(self, name: str, template: Template, bucket: str | None) -> dict[str, str]:
        body = json.dumps(template)
        if len(body) <= INLINE_BYTES:
            return {"TemplateBody": body}
        if bucket is None:
            raise Failed(f"The template of {name} is too long to send without a bucket.")
        key = _template_key(name)
        self._s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
        return {"TemplateURL": f"{self._s3.meta.endpoint_url}/{bucket}/{key}"}  # read with the caller's permissions

    def _ready(self, change: Mapping[str, str]) -> bool:
        """Waits for the change set; returns whether it contains changes."""
        try:
            waiter = self._client.get_waiter("change_set_create_complete")
            waiter.wait(**change, WaiterConfig={"Delay": 2, "MaxAttempts": 150})
        except WaiterError as error:
            reason = str(error.last_response.get("StatusReason", ""))
            self._client.delete_change_set(**change)
            if "didn't contain changes" in reason or "No updates" in reason:
                return False
            raise Failed(f"The stack {change['StackName']} was refused: {reason}") from error
        return True

    def _reasons(self, stack_id: str) -> list[str]:
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        return [
            f"  {event['LogicalResourceId']}: {event['ResourceStatusReason']}"
            for page in pages
            for event in page["StackEvents"]
            if event["ResourceStatus"].endswith("FAILED") and event.get("ResourceStatusReason")
        ]


def _template_key(name: str) -> str:
    return f"templates/{name}.json"
