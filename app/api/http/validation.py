"""What is wrong with the input: pydantic's errors as JSON pointers and plain sentences.

HTTP requests and frames of sockets share them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, JsonValue, Tag

from app.api.schemas.fields import PRINTABLE
from app.api.schemas.records import UNKNOWN_NAME
from app.domain.fields import ID_PATTERN, ID_RULE, ORIGIN_PATTERN, ORIGIN_RULE
from app.errors import FieldError, InvalidInput

MAX_NAMED_ERRORS = 1_000
PATTERNS = {
    PRINTABLE: "must not hold control characters",
    ID_PATTERN: f"must be {ID_RULE}",
    ORIGIN_PATTERN: f"must be {ORIGIN_RULE}",
}
FIELD_NAME = re.compile(r"[0-9]{1,6}|[A-Za-z][A-Za-z_-]{0,39}")
SIMILARITY = 0.5
"""The ratio of equal letters from which a name counts as near."""
UNSHOWN = "(a name that was sent)"
UNKNOWN_PARAMETER = "unknown_parameter"
UNKNOWN = {UNKNOWN_NAME, UNKNOWN_PARAMETER, "extra_forbidden"}
EXPECTED = {
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "invalid-json-value": "a value of JSON",
}
"""What is expected, by the types of errors whose sentences name types of Python."""
UNKNOWN_TAG = {"union_tag_invalid", "union_tag_not_found"}

Form = Any
"""The type of a body or of a part of it: a model, a union or a container of them; None if unknown."""


def of_request(details: Sequence[Mapping[str, Any]], body: Form) -> InvalidInput:
    """Returns the error for what pydantic reports; locations start with the part of the request, such as `body`."""
    if any(error["type"] == "json_invalid" for error in details):
        reason = details[0].get("ctx", {}).get("error", "")
        return InvalidInput(f"The body is not valid JSON: {reason}.")
    noun = "place is" if len(details) == 1 else "places are"
    bad_places = tuple(_place(error, body) for error in details[:MAX_NAMED_ERRORS])
    return InvalidInput(f"{len(details)} {noun} not as expected; nothing was stored.", bad_places)


def of_part(details: Sequence[Mapping[str, Any]], form: Form, pointer: str) -> tuple[FieldError, ...]:
    """Returns the errors of what pydantic reports about the part of a body at a JSON pointer."""
    places = (_place_in(error, form, error["loc"]) for error in details)
    return tuple(FieldError(pointer + place.pointer, place.detail) for place in places)


def _place(error: Mapping[str, Any], body: Form) -> FieldError:
    part, *location = error["loc"]
    if part == "body":
        return _place_in(error, body, location)
    return FieldError(_shown(location[0] if location else part), _detail(error, None))


def _place_in(error: Mapping[str, Any], form: Form, location: Sequence[int | str]) -> FieldError:
    """Returns the JSON pointer (RFC 6901) of a place in a body, and what is wrong there."""
    pointer, parent, names_kind = "", None, True
    for part in location:
        if form is JsonValue and names_kind:  # pydantic names the kind of each JSON value, which is no part of the body
            names_kind = False
            continue
        names_kind = True
        option = _options(form).get(str(part))
        if option is not None:  # pydantic names the option of a union, which is no part of the body
            form = option
            continue
        pointer += "/" + _shown(part)
        parent, form = form, _inner(form, part)
    return FieldError(pointer, _detail(error, form if error["type"] in UNKNOWN_TAG else parent))


def _detail(error: Mapping[str, Any], form: Form) -> str:
    if error["type"] in UNKNOWN_TAG:
        name = error["ctx"]["discriminator"].strip("'")
        return f"{name}: must be {' or '.join(sorted(_options(form)))}"
    if error["type"] == "string_pattern_mismatch":
        pattern = error["ctx"]["pattern"]
        return PATTERNS.get(pattern, f"must match {pattern}")
    if error["type"] in UNKNOWN:
        return _unknown_name(error, form)
    if error["type"] in EXPECTED:
        return f"must be {EXPECTED[error['type']]}"
    return str(error["msg"]).removeprefix("Value error, ")


def _unknown_name(error: Mapping[str, Any], form: Form) -> str:
    if error["type"] == UNKNOWN_NAME:
        hint = _unknown("a field of an item here", "fields", error["ctx"]["name"], error["ctx"]["names"])
        return f"{hint} (a property is properties.NAME)"
    name = _shown(error["loc"][-1])
    if error["type"] == UNKNOWN_PARAMETER:
        return _unknown("a parameter of this operation", "parameters", name, error["ctx"]["names"])
    return _unknown("a known field", "fields", name, tuple(sorted(_fields(form))))


@lru_cache(1_000)
def _unknown(what: str, plural: str, name: str, names: tuple[str, ...]) -> str:
    """Returns why a name is refused, with the nearest valid name."""
    if not names:
        return f"is not {what}; there are no {plural} here"
    if nearest := get_close_matches(name, names, n=1, cutoff=SIMILARITY):
        return f"is not {what}; did you mean {nearest[0]}?"
    return f"is not {what}; valid {plural} are {', '.join(names)}"


def _shown(part: int | str) -> str:
    """Returns a part of a location; names that may be secrets are replaced."""
    return str(part) if FIELD_NAME.fullmatch(str(part)) else UNSHOWN


def _origin(form: Form) -> Any:  # noqa: ANN401 - types are of all kinds
    return get_origin(form)


def _members(form: Form) -> tuple[Form, ...]:
    """Returns the members of a union, or the type alone; without annotations and None."""
    if _origin(form) is Annotated:
        return _members(get_args(form)[0])
    if _origin(form) in {Union, UnionType}:
        return tuple(member for option in get_args(form) for member in _members(option) if member is not NoneType)
    return (form,)


def _fields(form: Form) -> dict[str, Form]:
    """Returns the types of a model's fields by name; none if the type is not a model."""
    members = _members(form)
    if len(members) != 1 or not isinstance(members[0], type) or not issubclass(members[0], BaseModel):
        return {}
    return {field.alias or name: field.annotation for name, field in members[0].model_fields.items()}


def _inner(form: Form, part: int | str) -> Form:
    """Returns the type of a part of a body; None if unknown."""
    if form is JsonValue:
        return JsonValue
    container = _members(form)[0]
    if _origin(container) in {list, tuple}:
        return get_args(container)[0]
    if _origin(container) is dict:
        return get_args(container)[1]
    return _fields(form).get(str(part))


def _options(form: Form) -> dict[str, Form]:
    """Returns the members of a union by the constant or tag that distinguishes them; none if it is not such a union."""
    members = _members(form)
    if len(members) == 1:
        return {}
    if tags := _tags(form):
        return tags
    constants = ((get_args(field), model) for model in members for field in _constants(model))
    return {str(values[0]): model for values, model in constants}


def _tags(form: Form) -> dict[str, Form]:
    """Returns the members of a union by their tags, if a function of the value chooses among them."""
    tagged = [get_args(option) for option in get_args(form) if _origin(option) is Annotated]
    return {mark.tag: member for member, *marks in tagged for mark in marks if isinstance(mark, Tag)}


def _constants(model: Form) -> Iterator[Form]:
    for field in _fields(model).values():
        if _origin(field) is Literal and len(get_args(field)) == 1:
            yield field
