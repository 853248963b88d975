"""Every field and parameter of a request is described and has an example that the API accepts."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter, create_model

from app.api.schemas.fields import Body
from app.entry.cli.operations import gateway_document

Schema = dict[str, Any]
DOCUMENT = gateway_document.plain()
SCHEMAS: dict[str, Schema] = DOCUMENT["components"]["schemas"]
OPERATIONS: list[Schema] = [operation for path in DOCUMENT["paths"].values() for operation in path.values()]


def references(part: object) -> Iterator[str]:
    """The names of the schemas that a part of the document refers to."""
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"].rpartition("/")[2]
        part = list(part.values())
    if isinstance(part, list):
        for item in part:
            yield from references(item)


def requested() -> list[str]:
    """The names of all schemas of request bodies."""
    names: set[str] = set()
    pending = [name for operation in OPERATIONS for name in references(operation.get("requestBody"))]
    while pending:
        name = pending.pop()
        if name not in names:
            names.add(name)
            pending += references(SCHEMAS[name])
    return sorted(names)


def kinds(schema: Schema) -> list[Schema]:
    """A schema and its alternatives."""
    return [schema, *schema.get("anyOf", ())]


def is_described(schema: Schema) -> bool:
    return any("description" in kind for kind in kinds(schema))


def examples(schema: Schema) -> list[Any]:
    """The examples of a field; the only value of a constant is one."""
    shown = [example for kind in kinds(schema) for example in kind.get("examples", ())]
    return shown or [kind["const"] for kind in kinds(schema) if "const" in kind]


def shows_objects(schema: Schema) -> bool:
    """Whether a field holds objects with examples of their own."""
    names = [name for kind in kinds(schema) for name in references([kind.get("items"), {**kind, "anyOf": None}])]
    return any("properties" in SCHEMAS[name] for name in names)


REQUESTED = requested()
FIELDS = {
    f"{name}.{field}": schema for name in REQUESTED for field, schema in SCHEMAS[name].get("properties", {}).items()
}
PARAMETERS: dict[str, Schema] = {
    f"{operation['operationId']}({parameter['name']})": parameter
    for operation in OPERATIONS
    for parameter in operation.get("parameters", ())
}


def models(root: type[Body] = Body) -> Iterator[tuple[str, type[Body]]]:
    for model in root.__subclasses__():
        yield model.__name__, model
        yield from models(model)


def refused(model: type[Body], field: str, example: object) -> str:
    """Why a field alone refuses a value; empty if it takes it."""
    info = next(info for name, info in model.model_fields.items() if (info.alias or name) == field)
    alone = create_model("Alone", __base__=Body, **{field: (info.rebuild_annotation(), ...)})  # type: ignore[call-overload]
    try:
        TypeAdapter(alone).validate_python({field: example})
    except ValueError as error:
        return str(error)
    return ""


class TestFields:
    def test_request_schemas_are_found(self) -> None:
        assert {"EventIn", "SessionEvent", "BatchItem", "LimitsIn", "RowIn", "ErasureIn"} <= set(REQUESTED)

    def test_every_field_of_a_request_has_a_description(self) -> None:
        assert [name for name, schema in FIELDS.items() if not is_described(schema)] == []

    def test_every_field_of_a_request_has_an_example(self) -> None:
        assert [name for name, schema in FIELDS.items() if not examples(schema) and not shows_objects(schema)] == []

    @pytest.mark.parametrize("name", FIELDS)
    def test_the_api_accepts_the_examples_of_a_field(self, name: str) -> None:
        schema, _, field = name.partition(".")
        model = dict(models())[schema]

        refusals = [refused(model, field, example) for example in examples(FIELDS[name])]

        assert [refusal for refusal in refusals if refusal] == []


class TestParameters:
    def test_every_parameter_has_a_description(self) -> None:
        assert [name for name, parameter in PARAMETERS.items() if "description" not in parameter] == []

    def test_every_parameter_has_an_example(self) -> None:
        assert [
            name
            for name, parameter in PARAMETERS.items()
            if "example" not in parameter and not examples(parameter["schema"])
        ] == []
