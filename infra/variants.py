"""The templates, and the variants of the application's template."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml

from infra.packages import EVERYTHING, SERVING, TRAINING

TEMPLATES = Path(__file__).parent
HANDLER = "app.entry.aws.handler.handler"
FUNCTION = "AWS::Serverless::Function"
TRAINING_FUNCTIONS = {"WorkerFunction"}
NAMES = ("FunctionName", "LogGroupName")
NOT_VERSIONED = {
    "AutoPublishAlias",
    "DeploymentPreference",
    "EventInvokeConfig",
    "Events",
    "PermissionsBoundary",
    "Policies",
    "ProvisionedConcurrencyConfig",
    "RecursiveLoop",
    "ReservedConcurrentExecutions",
    "VersionDeletionPolicy",
}
"""Properties of SAM's functions that are not part of a version in Lambda."""
Template = dict[str, Any]


def load(name: str) -> Template:
    """Loads a template of this folder, with intrinsic functions in their JSON form."""
    plain: Template = json.loads(json.dumps(cfn_yaml.load(str(TEMPLATES / f"{name}.yaml"))))
    return plain


def package_names(template: Template) -> dict[str, str]:
    """Returns the package of each function; one function has a package for everything."""
    names = functions(template)
    if len(names) == 1:
        return dict.fromkeys(names, EVERYTHING)
    return {name: TRAINING if name in TRAINING_FUNCTIONS else SERVING for name in names}


def zipped(template: Template, code: Mapping[str, Any], python: str) -> Template:
    """Returns the template with zip packages instead of the image.

    Args:
        template: the application's template.
        code: SAM's `CodeUri` of each package: a file, or a bucket and a key.
        python: version of Lambda's runtime.
    """
    for name, package in package_names(template).items():
        function = functions(template)[name]
        for key in ("PackageType", "ImageUri"):
            del function[key]
        function |= {"Runtime": f"python{python}", "Handler": HANDLER, "CodeUri": code[package]}
    del template["Parameters"]["ImageUri"]
    return template


def restored(template: Template) -> Template:
    """Returns the template with SnapStart: new instances of the API resume from a snapshot taken after all imports.

    AWS charges for the snapshot of each version that exists, so the versions before are deleted.
    """
    function = functions(template)["ApiFunction"]
    function |= {"SnapStart": {"ApplyOn": "PublishedVersions"}, "VersionDeletionPolicy": "Delete"}
    return template


def shifted(template: Template, shift: str) -> Template:
    """Returns the template with CodeDeploy's named traffic shift, or with an immediate one."""
    for function in functions(template).values():
        if "DeploymentPreference" in function:
            function["DeploymentPreference"]["Type"] = shift
            if shift == "AllAtOnce":
                del function["DeploymentPreference"]
    if shift == "AllAtOnce":
        del template["Resources"]["ShiftRole"]
    return template


def versioned(template: Template, parameters: Mapping[str, Any]) -> Template:
    """Returns the template with a new version of each function that changes, and of no other.

    SAM by itself compares little more than the code, and Lambda refuses to publish a version of an unchanged function.
    The digest is also the function's description, so a new digest is always a change.
    """
    values = {name: parameter.get("Default", "") for name, parameter in template["Parameters"].items()}
    values |= parameters
    shared = template["Globals"]["Function"]
    for function in _published(template):
        parts = [
            {name: value for name, value in properties.items() if name not in NOT_VERSIONED}
            for properties in (shared, function)
        ]
        content = json.dumps(_filled(parts, template, values), sort_keys=True)
        digest = sha256(content.encode()).hexdigest()
        function |= {"AutoPublishCodeSha256": digest, "Description": f"Serendip {digest[:10]}"}
    return template


def _filled(value: object, template: Template, values: Mapping[str, Any]) -> object:
    """Fills parameters and the names of resources into a part of the template; conditions are spelled out."""

    def fill(part: object) -> object:
        return _filled(part, template, values)

    match value:
        case {"Ref": str(name)}:
            properties = template["Resources"].get(name, {}).get("Properties", {})
            return [str(values.get(name, name)), *(fill(properties[key]) for key in NAMES if key in properties)]
        case {"Fn::If": [str(condition), *branches]}:
            return [fill(template["Conditions"][condition]), fill(branches)]
        case {"Fn::Sub": str() | [*_] as said}:
            text, *parts = [said] if isinstance(said, str) else said
            return [re.sub(r"\$\{(\w+)\}", lambda name: str(values.get(name[1], name[0])), text), fill(parts)]
        case dict():
            return {key: fill(part) for key, part in value.items()}
        case list():
            return [fill(part) for part in value]
    return value


def functions(template: Template) -> dict[str, dict[str, Any]]:
    """Returns the properties of the template's functions, by name."""
    return {
        name: resource["Properties"] for name, resource in template["Resources"].items() if resource["Type"] == FUNCTION
    }


def _published(template: Template) -> list[dict[str, Any]]:
    """Returns the functions that are called through an alias of a version."""
    return [function for function in functions(template).values() if "AutoPublishAlias" in function]
