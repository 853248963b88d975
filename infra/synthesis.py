"""The templates of a stage as files, for SAM, Terraform, CDK and the AWS command line instead of `make deploy`."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra import console
from infra.account import secret_name
from infra.one_function import MEMORY_MB
from infra.packages import PACKAGES, PYTHON, ROOT, build
from infra.stacks import Failed
from infra.stage import (
    WORKPLACE,
    application,
    application_parameters,
    monitoring,
    monitoring_parameters,
    prefix_of,
    settings_of,
    tables_parameters,
)
from infra.variants import Template, functions, load, package_names, versioned, zipped

TRANSLATOR = ROOT / ".venv" / "sam" / "bin" / "python"
Package = Callable[[str], Path]


def packed(name: str) -> Path:
    """Builds a package of Lambda's platform."""
    console.build()
    return build(WORKPLACE / name, PACKAGES[name])


def write(stage: str, package: Package = packed, python: str = PYTHON, workplace: Path = WORKPLACE) -> list[Path]:
    """Writes a template for each stack of a stage, in the order of their deployment, and one for `sam local start-api`.

    The settings of the stage are the defaults of the parameters, and the code is a local zip file.

    Raises:
        Failed: the stage's file does not exist or does not fit.
        Unpackable: the code cannot be packaged.
    """
    folder, template, parameters = workplace / stage, application(stage), application_parameters(stage)
    folder.mkdir(parents=True, exist_ok=True)
    code = {name: os.path.relpath(package(name), folder) for name in sorted(set(package_names(template).values()))}
    template = versioned(zipped(template, code, python), parameters)
    tables = {"TablePrefix": prefix_of(stage)} | tables_parameters(settings_of(stage))
    templates = {
        "tables": _with_defaults(load("tables"), tables),
        "application": _with_defaults(template, parameters),
        "monitoring": _with_defaults(monitoring(template), monitoring_parameters(stage)),
        "local": _local(stage, functions(template)["ApiFunction"]),
    }
    paths = []
    for name, content in templates.items():
        paths.append(folder / f"{name}.json")
        paths[-1].write_text(json.dumps(content, indent=2) + "\n")
    return paths


def write_plain(application: Path) -> Path:
    """Writes an application's template without SAM's resources; its code is in a bucket, which is a parameter.

    Raises:
        Failed: SAM's translator is missing or refused the template.
    """
    template = json.loads(application.read_text())
    template["Parameters"]["CodeBucket"] = {"Type": "String", "Description": "Bucket with the zip file in packages/"}
    for function in functions(template).values():
        key = f"packages/{Path(function['CodeUri']).name}"
        function["CodeUri"] = {"Bucket": {"Ref": "CodeBucket"}, "Key": key}
    if not TRANSLATOR.exists():
        raise Failed("SAM's translator is missing: make .venv/sam")
    command, content = [str(TRANSLATOR), str(Path(__file__).with_name("expand.py"))], json.dumps(template)
    done = subprocess.run(command, input=content, check=False, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"SAM's translator refused {application.name}: {done.stderr.strip()[-1_000:]}")
    path = application.with_name(f"{application.stem}.plain.json")
    path.write_text(done.stdout + "\n")
    return path


def _with_defaults(template: Template, values: Mapping[str, Any]) -> Template:
    for name, value in values.items():
        template["Parameters"][name]["Default"] = value
    return template


def _local(stage: str, function: Mapping[str, Any]) -> Template:
    """Returns what SAM's local API needs: it can neither follow an integration to an alias nor evaluate conditions."""
    variables = {"SERENDIP_SECRET_PARAMETER": secret_name(stage), "SERENDIP_TABLE_PREFIX": prefix_of(stage)}
    properties = {name: function[name] for name in ("Runtime", "Handler", "CodeUri", "Timeout")}
    properties |= {"Architectures": ["arm64"], "MemorySize": MEMORY_MB, "Environment": {"Variables": variables}}
    properties["Events"] = {"Everything": {"Type": "HttpApi"}}
    resources = {"ApiFunction": {"Type": "AWS::Serverless::Function", "Properties": properties}}
    return {"AWSTemplateFormatVersion": "2010-09-09", "Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
