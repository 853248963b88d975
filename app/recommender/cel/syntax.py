"""The syntax tree of a checked expression, read from its serialized form: `cel.expr.CheckedExpr` of cel.dev/spec.

The form is a protocol buffer (protobuf.dev/programming-guides/encoding). The few messages of a tree are read here,
because functions do without the protobuf package.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


class Uint(int):
    """An unsigned integer of CEL; a Python int is a signed one."""


@dataclass(frozen=True, slots=True)
class Constant:
    value: Any


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Select:
    operand: "Node"
    field: str
    is_test: bool
    """Whether it is `has(operand.field)`."""


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple["Node", ...]
    """The target of a call like `text.size()` comes first."""


@dataclass(frozen=True, slots=True)
class ListOf:
    elements: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map, or the message of the type."""

    type_name: str
    entries: tuple[tuple["Node", "Node"], ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """What macros like `all` and `map` become: a loop over a range with an accumulator."""

    variable: str
    second_variable: str
    range: "Node"
    accumulator: str
    start: "Node"
    condition: "Node"
    step: "Node"
    result: "Node"


Node = Constant | Name | Select | Call | ListOf | MapOf | Fold


def tree(serialized: bytes) -> Node:
    """Reads the tree of a `google.protobuf.Any` with a `cel.expr.CheckedExpr`."""
    return _node(_field(_field(serialized, 2), 4))


def size(node: Node) -> int:
    """Returns the number of nodes of a tree."""
    return 1 + sum(size(part) for part in parts(node))


def calls(node: Node, function: str) -> int:
    """Returns how often a tree calls a function."""
    return (isinstance(node, Call) and node.function == function) + sum(calls(part, function) for part in parts(node))


def parts(node: Node) -> tuple[Node, ...]:
    """Returns the nodes just below a node."""
    match node:
        case Select(operand):
            return (operand,)
        case Call(_, arguments):
            return arguments
        case ListOf(elements):
            return elements
        case MapOf(_, entries):
            return tuple(part for entry in entries for part in entry)
        case Fold():
            return (node.range, node.start, node.condition, node.step, node.result)
        case _:
            return ()


def names(node: Node) -> frozenset[str]:
    """Returns the names of all variables in a tree, also of those that its loops define."""
    own = frozenset({node.name}) if isinstance(node, Name) else frozenset()
    return own.union(*(names(part) for part in parts(node)))


def _node(message: bytes) -> Node:
    kind, content = next((number, value) for number, value in _fields(message) if number != _ID)
    return _READERS[kind](content)


_ID = 2


def _constant(message: bytes) -> Node:
    kind, value = next(_fields(message), (1, None))
    return Constant(_CONSTANTS[kind](value))


_CONSTANTS: Mapping[int, Callable[[Any], Any]] = {
    1: lambda _: None,
    2: bool,
    3: lambda value: value - (1 << 64) if value >> 63 else value,
    4: Uint,
    5: lambda value: struct.unpack("<d", value)[0],
    6: bytes.decode,
    7: bytes,
}
"""By the number of the field of `cel.expr.Constant`."""


def _name(message: bytes) -> Node:
    return Name(_field(message, 1).decode())


def _select(message: bytes) -> Node:
    return Select(_node(_field(message, 1)), _field(message, 2).decode(), bool(_field(message, 3, 0)))


def _call(message: bytes) -> Node:
    target = [_node(value) for number, value in _fields(message) if number == 1]
    arguments = [_node(value) for number, value in _fields(message) if number == 3]  # noqa: PLR2004 - of the message
    return Call(_field(message, 2).decode(), (*target, *arguments))


def _list(message: bytes) -> Node:
    return ListOf(tuple(_node(value) for number, value in _fields(message) if number == 1))


def _map(message: bytes) -> Node:
    entries = [value for number, value in _fields(message) if number == 2]  # noqa: PLR2004 - of the message
    type_name = _field(message, 1).decode()
    if type_name:
        return MapOf(type_name, ())
    return MapOf("", tuple((_node(_field(entry, 3)), _node(_field(entry, 4))) for entry in entries))


def _fold(message: bytes) -> Node:
    return Fold(
        variable=_field(message, 1).decode(),
        second_variable=_field(message, 8).decode(),
        range=_node(_field(message, 2)),
        accumulator=_field(message, 3).decode(),
        start=_node(_field(message, 4)),
        condition=_node(_field(message, 5)),
        step=_node(_field(message, 6)),
        result=_node(_field(message, 7)),
    )


_READERS = {3: _constant, 4: _name, 5: _select, 6: _call, 7: _list, 8: _map, 9: _fold}
"""By the number of the field of `cel.expr.Expr`."""


def _field(message: bytes, number: int, default: Any = b"") -> Any:  # noqa: ANN401 - bytes or int by the field
    """Returns the value of a field; by the rules of protocol buffers, one that is absent has its default."""
    return next((value for other, value in _fields(message) if other == number), default)


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        value: Any
        match key & 7:
            case 0:
                value, position = _varint(message, position)
            case 1:
                value, position = message[position : position + 8], position + 8
            case 5:
                value, position = message[position : position + 4], position + 4
            case _:
                length, position = _varint(message, position)
                value, position = message[position : position + length], position + length
        yield key >> 3, value


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a number
            return value, position
