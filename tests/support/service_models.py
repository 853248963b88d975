"""Checks resources of templates against the service models that botocore carries: names, required, enums, patterns."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.session import get_session

from infra.variants import Template

PSEUDO = {
    "AWS::Region": "eu-west-1",
    "AWS::Partition": "aws",
    "AWS::AccountId": "123456789012",
    "AWS::URLSuffix": "amazonaws.com",
}
ARN = "arn:aws:{service}:eu-west-1:123456789012:{name}"
METHODS = {
    "Ref": "_ref",
    "Fn::GetAtt": "_attribute",
    "Fn::Sub": "_substituted",
    "Fn::If": "_chosen",
    "Fn::ImportValue": "_imported",
    "Fn::Join": "_joined",
    "Fn::Select": "_selected",
    "Fn::Split": "_split",
    "Fn::Equals": "_equal",
    "Fn::Not": "_not",
    "Fn::And": "_all",
}
"""The method that evaluates each intrinsic function."""
NOTHING = object()
"""Stands for a property that AWS::NoValue removes."""
NAMES = ("FunctionName", "LogGroupName", "TopicName", "QueueName", "RoleName", "DomainName", "TableName")
Properties = dict[str, Any]
Calls = Iterator[tuple[str, str, Properties]]
"""Service, operation and parameters of the calls that CloudFormation makes for a resource."""


class Filler:
    """Fills parameters, conditions and references into a template, with plausible ids of resources."""

    def __init__(self, template: Template, parameters: Mapping[str, Any]) -> None:
        self._template = template
        declared = template.get("Parameters", {})
        defaults = {name: parameter.get("Default", "") for name, parameter in declared.items()}
        self._values = {**PSEUDO, **defaults, **parameters}
        for name, parameter in declared.items():
            if parameter["Type"] == "CommaDelimitedList":
                self._values[name] = str(self._values[name]).split(",")

    def resources(self) -> Iterator[tuple[str, str, Properties]]:
        """Yields name, type and properties of each resource whose condition holds."""
        shared = self._template.get("Globals", {}).get("Function", {})
        for name, resource in self._template["Resources"].items():
            if "Condition" not in resource or self._holds(resource["Condition"]):
                properties = self._fill(resource.get("Properties", {}))
                if resource["Type"] == "AWS::Serverless::Function":
                    properties = merged(self._fill(shared), properties)
                yield name, resource["Type"], properties

    def values(self, parts: list[Any]) -> list[Any]:
        """Returns parts of the template, filled in."""
        filled: list[Any] = self._fill(parts)
        return filled

    def _holds(self, condition: str) -> bool:
        return bool(self._fill(self._template["Conditions"][condition]))

    def _fill(self, value: Any) -> Any:
        if isinstance(value, list):
            return [part for part in map(self._fill, value) if part is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and ((name := next(iter(value))) == "Ref" or name.startswith("Fn::")):
            return getattr(self, METHODS[name])(value[name])
        parts = {key: self._fill(part) for key, part in value.items()}
        return {key: part for key, part in parts.items() if part is not NOTHING}

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NOTHING
        if name in self._values:
            return self._values[name]
        resource = self._template["Resources"][name.partition(".")[0]]
        if name.endswith(".Alias"):
            return ARN.format(service="lambda", name=f"function:{name.partition('.')[0]}:live")
        if resource["Type"] == "AWS::SNS::Topic":
            return ARN.format(service="sns", name="alarms")
        properties = resource.get("Properties", {})
        return next((self._fill(properties[key]) for key in NAMES if key in properties), "a1b2c3d4e5")

    def _attribute(self, said: Any) -> str:
        resource, attribute = said if isinstance(said, list) else said.split(".", 1)
        kind = self._template["Resources"][resource]["Type"]
        if kind == "AWS::IAM::Role":
            return f"arn:aws:iam::123456789012:role/{resource}"
        if attribute == "FunctionUrl":
            return "https://a1b2c3d4e5.lambda-url.eu-west-1.on.aws/"
        services = {"AWS::S3::Bucket": "s3", "AWS::Logs::LogGroup": "logs", "AWS::Serverless::Function": "lambda"}
        service = services.get(kind, kind.split("::")[1].lower())
        name = {"s3": "bucket", "logs": "log-group:/aws/vendedlogs/a", "lambda": f"function:{resource}"}
        if attribute.endswith("Arn"):
            return ARN.format(service=service, name=name.get(service, resource))
        return "Z0123456789" if attribute.endswith("HostedZoneId") else f"{resource}.{attribute}"

    def _substituted(self, said: Any) -> str:
        text, parts = (said, {}) if isinstance(said, str) else said
        own = {name: self._fill(part) for name, part in parts.items()}

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name in own:
                return str(own[name])
            return self._attribute(name) if "." in name and name not in self._values else str(self._ref(name))

        return re.sub(r"\$\{([\w:.]+)\}", value, text)

    def _chosen(self, said: list[Any]) -> Any:
        return self._fill(said[1] if self._holds(said[0]) else said[2])

    def _imported(self, said: Any) -> str:
        name = str(self._fill(said))
        if name.endswith("events-stream"):
            return ARN.format(service="dynamodb", name="table/events/stream/2026-11-29T00:00:00.000")
        return ARN.format(service="sns", name="alarms") if name.endswith("alarms") else name

    def _joined(self, said: list[Any]) -> str:
        return str(said[0]).join(map(str, self._fill(said[1])))

    def _selected(self, said: list[Any]) -> Any:
        return self._fill(said[1])[said[0]]

    def _split(self, said: list[Any]) -> list[str]:
        return str(self._fill(said[1])).split(said[0])

    def _equal(self, said: list[Any]) -> bool:
        return str(self._fill(said[0])) == str(self._fill(said[1]))

    def _all(self, said: list[Any]) -> bool:
        return all(self._holds(part["Condition"]) if "Condition" in part else self._fill(part) for part in said)

    def _not(self, said: list[Any]) -> bool:
        return not self._fill(said[0])


def merged(first: Properties, second: Properties) -> Properties:
    """Merges properties like SAM merges its globals with those of a function."""
    both = {
        key: merged(first[key], second[key]) for key in first.keys() & second.keys() if isinstance(first[key], dict)
    }
    return {**first, **second, **both}


def lowered(value: Any) -> Any:
    """Returns the names of properties as services with lower camel case write them."""
    if isinstance(value, list):
        return [lowered(part) for part in value]
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: lowered(part) for key, part in value.items()}
    return value


@cache
def model(service: str) -> Any:
    return get_session().get_service_model(service)


def faults(service: str, operation: str, parameters: Properties) -> list[str]:
    """Returns what a service would refuse about the parameters of a call."""
    return list(_faults(model(service).operation_model(operation).input_shape, parameters, operation))


def _faults(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        yield from _structure_faults(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from _outside(shape, len(value), path)
        for part in value:
            yield from _faults(shape.member, part, path)
    elif isinstance(shape, MapShape):
        for key, part in value.items():
            yield from _faults(shape.key, key, path)
            yield from _faults(shape.value, part, f"{path}.{key}")
    elif shape.type_name in {"integer", "long", "float", "double"}:
        yield from _outside(shape, float(value), path)
    elif shape.type_name == "string":
        yield from _text_faults(shape, str(value), path)


def _structure_faults(shape: StructureShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is no structure"
        return
    yield from (f"{path}: {name} is required" for name in shape.required_members if name not in value)
    for name, part in value.items():
        if name in shape.members:
            yield from _faults(shape.members[name], part, f"{path}.{name}")
        else:
            yield f"{path}: {name} is unknown"


def _text_faults(shape: Shape, text: str, path: str) -> Iterator[str]:
    pattern = shape.metadata.get("pattern", "")
    yield from _outside(shape, len(text), path)
    if shape.enum and text not in shape.enum:
        yield f"{path}: {text} is none of {shape.enum}"
    flags = re.IGNORECASE if "(?i)" in pattern else re.NOFLAG
    if (
        pattern and r"\p{" not in pattern and not re.fullmatch(pattern.replace("(?i)", ""), text, flags)
    ):  # Python has no \p
        yield f"{path}: {text!r} is not of the form {pattern}"


def _outside(shape: Shape, size: float, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if (least is not None and size < least) or (most is not None and size > most):
        yield f"{path}: {size:g} is not between {least} and {most}"


def policy(document: Mapping[str, Any]) -> str:
    return json.dumps(document, default=str)
