"""Compiles a syntax tree into a function of the variables and the work."""

from collections.abc import Callable, Mapping
from typing import Any

from app.recommender.cel import syntax
from app.recommender.cel.functions import FUNCTIONS
from app.recommender.cel.syntax import Call, Constant, Fold, ListOf, MapOf, Name, Node, Select, Uint
from app.recommender.cel.values import EvaluationError, NoSuchKey, Value, name_of
from app.recommender.cel.work import Work

LARGEST_PROGRAM = 2_000
"""Instructions of a regular expression; RE2 takes at most about 1.1 ns for each of them per character."""
COMPILER_BYTES = 250_000
"""Memory with which RE2 compiles twice as many, in 2 ms; with all that it may have, it makes 300,000 in 0.3 s."""
MOST_PATTERNS = 10
INSTRUCTIONS_A_STEP = 100
TOO_LARGE = "pattern too large"
"""RE2's words."""
ACCUMULATOR = "@result"


class Unsupported(Exception):
    """An expression cannot be a rule; the message says why."""


class Scope(dict[str, Value]):
    """The values of variables, and the work that is left."""

    __slots__ = ("work",)

    def __init__(self, variables: Mapping[str, Value], work: Work) -> None:
        super().__init__(variables)
        self.work = work


Evaluator = Callable[[Scope], Value]


class Expression:
    """A function of variables."""

    def __init__(self, tree: Node) -> None:
        """Raises Unsupported."""
        if syntax.calls(tree, "matches") > MOST_PATTERNS:
            raise Unsupported(f"has more than {MOST_PATTERNS} regular expressions")
        self._evaluate, self._size = _compiled(tree), syntax.size(tree)

    def value(self, variables: Mapping[str, Value], work: Work) -> Value:
        """Returns the value.

        Raises:
            EvaluationError: there is none, for example because a property is missing.
            TooMuchWork: it takes more steps than are left.
        """
        work.spend(self._size)
        return self._evaluate(Scope(variables, work))


def _compiled(node: Node) -> Evaluator:  # noqa: PLR0911 - one for each kind of node
    match node:
        case Constant(value):
            return lambda _: value
        case Name(name):
            return _variable(name)
        case Select(operand, field, is_test):
            return _tested(_compiled(operand), field) if is_test else _selected(_compiled(operand), field)
        case Call(function, arguments):
            return _called(function, arguments)
        case ListOf(elements):
            values = [_compiled(element) for element in elements]
            return lambda scope: [value(scope) for value in values]
        case MapOf():
            return _mapped(node)
        case Fold():
            return _folded(node)


def _variable(name: str) -> Evaluator:
    def variable(scope: Scope) -> Value:
        value = scope[name]
        if isinstance(value, EvaluationError):  # what a loop has come to so far
            raise value
        return value

    return variable


def _selected(operand: Evaluator, field: str) -> Evaluator:
    def selected(scope: Scope) -> Value:
        container = operand(scope)
        if type(container) is not dict:
            raise _no_field(container, field)
        try:
            return container[field]
        except KeyError:
            raise NoSuchKey(field) from None

    return selected


def _tested(operand: Evaluator, field: str) -> Evaluator:
    def tested(scope: Scope) -> bool:
        container = operand(scope)
        if type(container) is not dict:
            raise _no_field(container, field)
        return field in container

    return tested


def _no_field(container: Value, field: str) -> EvaluationError:
    return EvaluationError(f"{name_of(container)} has no {field}")


def _called(function: str, arguments: tuple[Node, ...]) -> Evaluator:
    if function == "matches":
        return _matched(*arguments)
    values = [_compiled(argument) for argument in arguments]
    if function in _LAZY:
        return _LAZY[function](*values)
    if function not in FUNCTIONS:
        raise Unsupported(f"has the function {function}, which rules cannot call")
    call = FUNCTIONS[function]
    if len(values) == 1:
        (only,) = values
        return lambda scope: call(scope.work, only(scope))
    first, second = values
    return lambda scope: call(scope.work, first(scope), second(scope))


def _either(first: Evaluator, second: Evaluator, decisive: bool) -> Evaluator:  # noqa: FBT001 - the value that decides
    """`&&` and `||`: one decisive operand decides, whatever the other is."""

    def either(scope: Scope) -> bool:
        try:
            value = _truth(first(scope))
        except EvaluationError:
            if _truth(second(scope)) is decisive:
                return decisive
            raise
        return value if value is decisive else _truth(second(scope))

    return either


def _truth(value: Value) -> bool:
    if value is True or value is False:
        return value
    raise EvaluationError(f"{name_of(value)} is neither true nor false")


def _chosen(condition: Evaluator, first: Evaluator, second: Evaluator) -> Evaluator:
    return lambda scope: first(scope) if _truth(condition(scope)) else second(scope)


def _not_strictly_false(operand: Evaluator) -> Evaluator:
    def not_strictly_false(scope: Scope) -> bool:
        try:
            return operand(scope) is not False
        except EvaluationError:
            return True

    return not_strictly_false


def _indexed(operand: Evaluator, key: Evaluator) -> Evaluator:
    def indexed(scope: Scope) -> Value:
        container, index = operand(scope), key(scope)
        if type(container) is dict:
            if type(index) is str and index in container:
                return container[index]
            raise NoSuchKey(index)
        if type(container) is not list:
            raise EvaluationError(f"{name_of(container)} has no elements")
        if type(index) is float and index.is_integer():
            index = int(index)
        if type(index) not in {int, Uint} or not 0 <= index < len(container):
            raise EvaluationError("a list has no such element")
        return container[index]

    return indexed


_LAZY: Mapping[str, Callable[..., Evaluator]] = {
    "_&&_": lambda first, second: _either(first, second, decisive=False),
    "_||_": lambda first, second: _either(first, second, decisive=True),
    "_?_:_": _chosen,
    "_[_]": _indexed,
    "@not_strictly_false": _not_strictly_false,
}


def _matched(text: Node, pattern: Node) -> Evaluator:
    if not isinstance(pattern, Constant):
        raise Unsupported("has a regular expression that is not a text in quotes")
    program = _program(pattern.value)
    operand, cost = _compiled(text), 1 + program.programsize

    def matched(scope: Scope) -> bool:
        value = operand(scope)
        if type(value) is not str:
            raise EvaluationError(f"{name_of(value)} cannot match a regular expression")
        scope.work.spend(1 + len(value) * cost // INSTRUCTIONS_A_STEP)
        return program.search(value) is not None

    return matched


def _program(pattern: Value) -> Any:  # noqa: ANN401 - re2 has no types
    """Compiles a regular expression, first with little memory: RE2 keeps the interpreter from all other threads."""
    import re2  # noqa: PLC0415 - most instances never need it

    options = re2.Options()
    options.log_errors = False
    most, options.max_mem = options.max_mem, COMPILER_BYTES
    try:
        if re2.compile(pattern, options).programsize <= LARGEST_PROGRAM:
            options.max_mem = most  # matching is faster with more
            return re2.compile(pattern, options)
    except re2.error as error:
        if TOO_LARGE not in str(error):
            raise Unsupported("has a regular expression that is not in the syntax of RE2") from error
    raise Unsupported(f"has a regular expression that is too large: RE2 needs more than {LARGEST_PROGRAM:,} steps")


def _mapped(node: MapOf) -> Evaluator:
    if node.type_name:
        raise Unsupported(f"has the type {node.type_name}, which rules do without")
    entries = [(_compiled(key), _compiled(value)) for key, value in node.entries]

    def mapped(scope: Scope) -> dict[str, Value]:
        made = {}
        for key, value in entries:
            name = key(scope)
            if type(name) is not str:
                raise EvaluationError("the keys of maps are texts")
            if name in made:
                raise EvaluationError("a map has a key twice")
            made[name] = value(scope)
        return made

    return mapped


def _folded(node: Fold) -> Evaluator:
    if node.second_variable:
        raise Unsupported("has a loop over two variables")
    values, start, condition = _compiled(node.range), _compiled(node.start), _compiled(node.condition)
    step, result = _appended(node.step), _compiled(node.result)
    size, variable, accumulator = syntax.size(node.step) + syntax.size(node.condition), node.variable, node.accumulator

    def folded(scope: Scope) -> Value:
        elements = values(scope)
        if type(elements) not in {list, dict}:
            raise EvaluationError(f"{name_of(elements)} has no elements")
        outer = {name: scope[name] for name in (variable, accumulator) if name in scope}
        scope[accumulator] = start(scope)
        for element in elements:
            scope.work.spend(size)
            if condition(scope) is not True:
                break
            scope[variable] = element
            try:
                scope[accumulator] = step(scope)
            except EvaluationError as error:
                scope[accumulator] = error
        try:
            return result(scope)
        finally:
            scope.pop(variable, None)
            scope.pop(accumulator, None)
            scope.update(outer)

    return folded


def _appended(step: Node) -> Evaluator:
    """Compiles a step; one that makes the list so far longer by an element changes it instead of copying it."""
    match step:
        case Call("_?_:_", (condition, longer, same)):
            return _chosen(_compiled(condition), _appended(longer), _compiled(same))
        case Call("_+_", (Name(name) as so_far, ListOf((element,)))) if name == ACCUMULATOR:
            made, value = _compiled(so_far), _compiled(element)

            def appended(scope: Scope) -> Value:
                elements = made(scope)
                elements.append(value(scope))
                return elements

            return appended
        case _:
            return _compiled(step)
