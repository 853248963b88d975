"""Stacks of CloudFormation: made, changed, waited for; and the two flavours of the application's template."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError, WaiterError
from cfnlint.decode import cfn_yaml

TEMPLATES = Path(__file__).parent
HANDLER = "app.entry.aws.handler.handler"
FUNCTION = "AWS::Serverless::Function"
TRAINING_FUNCTIONS = {"WorkerFunction"}
INLINE_BYTES = 51_200
"""What CloudFormation takes in a request; more comes from a bucket."""
NOT_YET = "REVIEW_IN_PROGRESS"
"""The state of a stack of which there is only a change set."""
POLL = {"Delay": 5, "MaxAttempts": 360}
Template = dict[str, Any]


class Failed(Exception):
    """A stack could not be made or changed; the text has CloudFormation's reasons."""


def load(name: str) -> Template:
    """A template of this folder, with intrinsic functions as JSON spells them."""
    plain: Template = json.loads(json.dumps(cfn_yaml.load(str(TEMPLATES / f"{name}.yaml"))))
    return plain


def zipped(template: Template, bucket: str, serving: str, training: str, python: str) -> Template:
    """The template with packages from a bucket in the place of the image."""
    for name, function in functions(template).items():
        for key in ("PackageType", "ImageUri"):
            del function[key]
        key = training if name in TRAINING_FUNCTIONS else serving
        function |= {"Runtime": f"python{python}", "Handler": HANDLER, "CodeUri": {"Bucket": bucket, "Key": key}}
    del template["Parameters"]["ImageUri"]
    return template


def restored(template: Template) -> Template:
    """The template with SnapStart: new instances go on from a snapshot of one that has imported everything."""
    for function in _published(template):
        function["SnapStart"] = {"ApplyOn": "PublishedVersions"}
    return template


def shifted(template: Template, shift: str) -> Template:
    """The template with traffic moving to a new version by CodeDeploy as named, or at once."""
    for function in functions(template).values():
        if "DeploymentPreference" in function:
            function["DeploymentPreference"]["Type"] = shift
            if shift == "AllAtOnce":
                del function["DeploymentPreference"]
    return template


def versioned(template: Template, parameters: Mapping[str, Any]) -> Template:
    """The template, publishing a new version where anything differs: SAM by itself looks at the code only."""
    said = json.dumps([template, dict(parameters)], sort_keys=True).encode()
    for function in _published(template):
        function["AutoPublishCodeSha256"] = sha256(said).hexdigest()
    return template


def functions(template: Template) -> dict[str, dict[str, Any]]:
    """The properties of the template's functions, by name."""
    return {name: one["Properties"] for name, one in template["Resources"].items() if one["Type"] == FUNCTION}


def _published(template: Template) -> list[dict[str, Any]]:
    """The functions that answer through an alias of a version."""
    return [function for function in functions(template).values() if "AutoPublishAlias" in function]


class Stacks:
    def __init__(self, cloudformation: BaseClient, s3: BaseClient) -> None:
        self._client, self._s3 = cloudformation, s3

    def outputs(self, name: str) -> dict[str, str]:
        """What a stack tells of itself; empty where there is no such stack."""
        return {one["OutputKey"]: one["OutputValue"] for one in self._described(name).get("Outputs", ())}

    def apply(self, name: str, template: Template, parameters: Mapping[str, Any], bucket: str | None = None) -> None:
        """Make the stack, or change it to what the template says; nothing is done where nothing differs.

        Raises:
            Failed: CloudFormation refused it or rolled it back.
        """
        exists = self._described(name).get("StackStatus", NOT_YET) != NOT_YET
        self._change(name, "UPDATE" if exists else "CREATE", template, parameters, bucket)

    def adopt(
        self,
        name: str,
        template: Template,
        parameters: Mapping[str, Any],
        present: Mapping[str, Mapping[str, str]],
        bucket: str | None = None,
    ) -> None:
        """Make a stack of those of a template's resources that are there already; `apply` then adds the others.

        `present`: a resource's name in the template -> what identifies it.

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
            self._client.create_change_set(**request)
            if not self._ready(change):
                return
            self._client.execute_change_set(**change)
            waiter = self._client.get_waiter(f"stack_{kind.lower()}_complete")
            waiter.wait(StackName=name, WaiterConfig=POLL)
        except WaiterError as error:
            raise Failed(f"The stack {name} failed:\n" + "\n".join(self._reasons(name))) from error
        except ClientError as error:
            raise Failed(f"The stack {name} was refused: {error}") from error

    def _described(self, name: str) -> Mapping[str, Any]:
        """What CloudFormation says of a stack; nothing where there is none."""
        try:
            (stack,) = self._client.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return {}
            raise
        found: Mapping[str, Any] = stack
        return found

    def _body(self, name: str, template: Template, bucket: str | None) -> dict[str, str]:
        body = json.dumps(template)
        if len(body) <= INLINE_BYTES:
            return {"TemplateBody": body}
        if bucket is None:
            raise Failed(f"The template of {name} is too long to be sent without a bucket.")
        key = f"templates/{name}.json"
        self._s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
        return {"TemplateURL": self._s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}, 3_600)}

    def _ready(self, change: Mapping[str, str]) -> bool:
        """Whether the change set has something to do."""
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

    def _reasons(self, name: str) -> list[str]:
        events = self._client.describe_stack_events(StackName=name)["StackEvents"]
        return [
            f"  {event['LogicalResourceId']}: {event['ResourceStatusReason']}"
            for event in events
            if event["ResourceStatus"].endswith("FAILED") and event.get("ResourceStatusReason")
        ]
