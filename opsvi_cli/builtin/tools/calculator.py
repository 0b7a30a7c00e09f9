"""Tool `calculator`: arithmetic, read as Python's syntax tree and worked out here; nothing is evaluated."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from opsvi_cli.sdk import UsageError, tool

_LONGEST = 1000
_DEEPEST = 50
_MOST_BITS = 100_000
_BINARY: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_UNARY: Mapping[type, Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    name: getattr(math, name)
    for name in ("sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "floor", "ceil")
} | {"abs": abs, "round": lambda value, digits=0: _round(value, digits), "min": min, "max": max}
_CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}


@tool(side_effects=False, taints=False)
def calculator(
    expression: Annotated[str, "e.g. (3.5 + 2) * 4 ** 2; sqrt, exp, log, sin, round, min, max, pi, e are known"],
) -> int | float:
    """Works out an arithmetic expression exactly where integers allow it."""
    if len(expression) > _LONGEST:
        raise UsageError(f"the expression is longer than {_LONGEST} characters")
    try:
        tree = ast.parse(expression.strip(), mode="eval")
        value: int | float = _value(tree.body, 0)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise UsageError(f"{expression[:80]!r} is no arithmetic expression") from error
    except ZeroDivisionError as error:
        raise UsageError("a division by zero") from error
    except OverflowError as error:
        raise UsageError("a number grows too large") from error
    except (ValueError, TypeError) as error:
        raise UsageError(f"it cannot be worked out: {error}") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError("the result is not finite")
    if isinstance(value, int) and value.bit_length() > 12_000:
        raise UsageError("the result has thousands of digits")
    return value


def _value(node: ast.AST, depth: int) -> Any:
    if depth > _DEEPEST:
        raise UsageError("the expression is nested too deeply")
    match node:
        case ast.Constant(value=value) if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _UNARY[type(op)](_value(operand, depth + 1))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_value(left, depth + 1), _value(right, depth + 1))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            result = _BINARY[type(op)](_value(left, depth + 1), _value(right, depth + 1))
            if isinstance(result, int) and result.bit_length() > _MOST_BITS:
                raise UsageError("a number grows too large")
            return result
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*(_value(arg, depth + 1) for arg in args))
    raise UsageError("only numbers, + - * / // % **, brackets and known functions can be worked out")


def _round(value: Any, digits: Any) -> Any:
    """Bounded: Python works out 10 ** -digits for an integer."""
    if not isinstance(digits, int) or abs(digits) > 400:
        raise UsageError("round takes up to 400 digits")
    return round(value, digits) if digits else round(value)


def _power(base: Any, exponent: Any) -> Any:
    """Bounded before it is worked out: 9 ** 9 ** 9 would never end."""
    if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1:
        if exponent > 0 and base.bit_length() * exponent > _MOST_BITS:
            raise UsageError("a number grows too large")
        if exponent < -_MOST_BITS:
            raise UsageError("a number grows too small")
    result = base**exponent
    if isinstance(result, complex):
        raise UsageError("the result is no real number")
    return result
