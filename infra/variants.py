"""The templates, and the variants of the application's template."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml

TEMPLATES = Path(__file__).parent
HANDLER = "app.entry.aws.handler.handler"
FUNCTION = "AWS::Serverless::Function"
TRAINING_FUNCTIONS = {"WorkerFunction"}
Template = dict[str, Any]


def load(name: str) -> Template:
    """Loads a template of this folder, with intrinsic functions in their JSON form."""
    plain: Template = json.loads(json.dumps(cfn_yaml.load(str(TEMPLATES / f"{name}.yaml"))))
    return plain


def zipped(template: Template, bucket: str, serving: str, training: str, python: str) -> Template:
    """Returns the template with zip packages from a bucket instead of the image."""
    for name, function in functions(template).items():
        for key in ("PackageType", "ImageUri"):
            del function[key]
        key = training if name in TRAINING_FUNCTIONS else serving
        function |= {"Runtime": f"python{python}", "Handler": HANDLER, "CodeUri": {"Bucket": bucket, "Key": key}}
    del template["Parameters"]["ImageUri"]
    return template


def restored(template: Template) -> Template:
    """Returns the template with SnapStart: new instances resume from a snapshot taken after all imports."""
    for function in _published(template):
        function["SnapStart"] = {"ApplyOn": "PublishedVersions"}
    return template


def shifted(template: Template, shift: str) -> Template:
    """Returns the template with CodeDeploy's named traffic shift, or with an immediate one."""
    for function in functions(template).values():
        if "DeploymentPreference" in function:
            function["DeploymentPreference"]["Type"] = shift
            if shift == "AllAtOnce":
                del function["DeploymentPreference"]
    return template


def versioned(template: Template, parameters: Mapping[str, Any]) -> Template:
    """Returns the template with a new version published on any change: SAM by itself compares only the code."""
    content = json.dumps([template, dict(parameters)], sort_keys=True).encode()
    for function in _published(template):
        function["AutoPublishCodeSha256"] = sha256(content).hexdigest()
    return template


def functions(template: Template) -> dict[str, dict[str, Any]]:
    """Returns the properties of the template's functions, by name."""
    return {
        name: resource["Properties"] for name, resource in template["Resources"].items() if resource["Type"] == FUNCTION
    }


def _published(template: Template) -> list[dict[str, Any]]:
    """Returns the functions that are called through an alias of a version."""
    return [function for function in functions(template).values() if "AutoPublishAlias" in function]
