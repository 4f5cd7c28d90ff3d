"""Draws of the shipped grammars, and random ways to write the same loss otherwise.

Every rewrite is an exact identity on all of (0, 1) for labels 0 and 1. Constants are decimals, taken exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from random import Random

from symloss.formula import Y_PRED, Y_TRUE, Formula, call, constant, exact
from symloss.grammar import Sampler, load_grammar
from symloss.runtime import keyed_random

Rule = Callable[[Formula, Random], Formula | None]

ONE, TWO, HALF = constant(1.0), constant(2.0), constant(0.5)
_FACTORS = (0.02, 0.3, 0.7, 1.5, 2.0, 3.25, 7.25, 40.0)


def draws(grammar: str, seed: int, purpose: str) -> Iterator[Formula]:
    """Yield draws of a shipped grammar, without end."""
    sampler = Sampler(load_grammar(grammar))
    number = 0
    while True:
        derivation = sampler.sample(keyed_random(seed, purpose, grammar, number))
        assert derivation is not None
        yield derivation.formula
        number += 1


def decimal(number: Fraction) -> Formula | None:
    """Return the constant that is exactly this number, or None if no float's shortest decimal is."""
    node = constant(float(number))
    return node if exact(node.value) == number else None


def number_of(node: Formula) -> Fraction | None:
    """Return the exact value of a constant leaf."""
    return exact(node.value) if node.op == "const" else None


def positive(node: Formula) -> bool:
    """Whether a formula is certainly above 0 for every p in (0, 1) and both labels."""
    op, args = node.op, node.args
    if op in ("exp", "cosh", "sigmoid", "softplus", "erfc", "i0", "i0e", "y_pred"):
        return True
    if op == "const":
        return exact(node.value) > 0
    if op == "add":
        return (positive(args[0]) and nonnegative(args[1])) or (nonnegative(args[0]) and positive(args[1]))
    if op in ("mul", "div", "min"):
        return positive(args[0]) and positive(args[1])
    if op == "max":
        return positive(args[0]) or positive(args[1])
    if op == "sub":
        return args[1] == Y_PRED and args[0] == ONE
    return op in ("sqrt", "square", "abs", "pow", "asinh", "tanh", "atan", "erf", "sinh") and positive(args[0])


def nonnegative(node: Formula) -> bool:
    """Whether a formula is certainly not below 0."""
    op, args = node.op, node.args
    if op in ("square", "abs", "sqrt", "relu", "y_true") or positive(node):
        return True
    if op == "pow":
        power = number_of(args[1])
        return power is not None and power.denominator == 1 and power % 2 == 0
    return op in ("add", "mul") and nonnegative(args[0]) and nonnegative(args[1])


def commute(node: Formula, rng: Random) -> Formula | None:
    """a + b = b + a, and so for products, max and min."""
    return call(node.op, node.args[1], node.args[0]) if node.op in ("add", "mul", "max", "min") else None


def associate(node: Formula, rng: Random) -> Formula | None:
    """(a + b) + c = a + (b + c), a + (b + c) = (a + b) + c, a - (b + c) = (a - b) - c, and so on."""
    op, args = node.op, node.args
    if op in ("add", "mul", "max", "min"):
        if args[0].op == op and (args[1].op != op or rng.random() < 0.5):
            return call(op, args[0].args[0], call(op, args[0].args[1], args[1]))
        if args[1].op == op:
            return call(op, call(op, args[0], args[1].args[0]), args[1].args[1])
    if op == "sub" and args[1].op in ("add", "sub"):
        return call("sub" if args[1].op == "add" else "add", call("sub", args[0], args[1].args[0]), args[1].args[1])
    if op == "mul" and args[1].op == "div":
        return call("div", call("mul", args[0], args[1].args[0]), args[1].args[1])
    return None


def distribute(node: Formula, rng: Random) -> Formula | None:
    """a*(b + c) = a*b + a*c, (b + c)/a = b/a + c/a, -(a + b) = -a - b, (a + b)**2 = a**2 + 2*a*b + b**2."""
    op, args = node.op, node.args
    sums = ("add", "sub")
    if op == "mul" and args[1].op in sums and (args[0].op not in sums or rng.random() < 0.5):
        return call(args[1].op, call("mul", args[0], args[1].args[0]), call("mul", args[0], args[1].args[1]))
    if op in ("mul", "div") and args[0].op in sums:
        return call(args[0].op, call(op, args[0].args[0], args[1]), call(op, args[0].args[1], args[1]))
    if op == "neg" and args[0].op in sums:
        return call("sub" if args[0].op == "add" else "add", call("neg", args[0].args[0]), args[0].args[1])
    squared = op == "square" or (op == "pow" and args[1] == TWO)
    if squared and args[0].op in sums:
        a, b = args[0].args
        cross = call("mul", TWO, call("mul", a, b))
        return call("add", call(args[0].op, call("square", a), cross), call("square", b))
    return None


def factor_out(node: Formula, rng: Random) -> Formula | None:
    """a*b + a*c = a*(b + c), and a + a = 2*a."""
    if node.op not in ("add", "sub"):
        return None
    one, other = node.args
    if node.op == "add" and one == other:
        return call("mul", TWO, one)
    if one.op == other.op == "mul":
        for i in (0, 1):
            for j in (0, 1):
                if one.args[i] == other.args[j]:
                    return call("mul", one.args[i], call(node.op, one.args[1 - i], other.args[1 - j]))
    return None


def signs(node: Formula, rng: Random) -> Formula | None:
    """a - b = a + (-b), a = -(-a), (-a)*b = -(a*b), a - b = -(b - a)."""
    op, args = node.op, node.args
    if op == "sub":
        return (
            call("add", args[0], call("neg", args[1])) if rng.random() < 0.6 else call("neg", call("sub", *args[::-1]))
        )
    if op == "add" and args[1].op == "neg":
        return call("sub", args[0], args[1].args[0])
    if op == "neg" and args[0].op == "neg":
        return args[0].args[0]
    if op in ("mul", "div") and args[0].op == "neg":
        return call("neg", call(op, args[0].args[0], args[1]))
    return call("neg", call("neg", node)) if rng.random() < 0.2 else None


def squares(node: Formula, rng: Random) -> Formula | None:
    """square(a) = a*a = a**2."""
    op, args = node.op, node.args
    if op == "square" or (op == "mul" and args[0] == args[1]) or (op == "pow" and args[1] == TWO):
        a = args[0]
        return rng.choice([call("square", a), call("mul", a, a), call("pow", a, TWO)])
    power = number_of(args[1]) if op == "pow" else None
    if power is not None and power.denominator == 1 and 2 < power < 9:
        return call("mul", args[0], call("pow", args[0], constant(float(power - 1))))
    return None


def exponentials(node: Formula, rng: Random) -> Formula | None:
    """exp(a + b) = exp(a)*exp(b), exp(a - b) = exp(a)/exp(b), exp(-a) = 1/exp(a), and back."""
    op, args = node.op, node.args
    if op == "exp" and args[0].op in ("add", "sub"):
        return call("mul" if args[0].op == "add" else "div", *(call("exp", part) for part in args[0].args))
    if op == "exp" and args[0].op == "neg":
        return call("div", ONE, call("exp", args[0].args[0]))
    if op in ("mul", "div") and args[0].op == args[1].op == "exp":
        return call("exp", call("add" if op == "mul" else "sub", args[0].args[0], args[1].args[0]))
    return None


def logarithms(node: Formula, rng: Random) -> Formula | None:
    """log(a*b) = log(a) + log(b) where both are positive, log(sqrt(a)) = log(a)/2, log(1/a) = -log(a), and back."""
    op, args = node.op, node.args
    if op == "log" and positive(args[0]):
        a = args[0]
        if a.op in ("mul", "div") and positive(a.args[0]):
            return call("add" if a.op == "mul" else "sub", call("log", a.args[0]), call("log", a.args[1]))
        if a.op == "sqrt" and positive(a.args[0]):
            return call("mul", HALF, call("log", a.args[0]))
        if a == Y_PRED or rng.random() < 0.5:
            return call("neg", call("log", call("div", ONE, a)))
        return call("mul", HALF, call("log", call("square", a)))
    logs = op in ("add", "sub") and args[0].op == args[1].op == "log"
    if logs and positive(args[0].args[0]) and positive(args[1].args[0]):
        return call("log", call("mul" if op == "add" else "div", args[0].args[0], args[1].args[0]))
    return None


def inverses(node: Formula, rng: Random) -> Formula | None:
    """exp(log(a)) = a and sqrt(a) = exp(log(a)/2) for positive a, log(exp(a)) = a."""
    op, args = node.op, node.args
    if op == "log" and args[0].op == "exp":
        return args[0].args[0]
    if op == "exp" and args[0].op == "log" and positive(args[0].args[0]):
        return args[0].args[0]
    if op == "sqrt" and positive(args[0]) and rng.random() < 0.5:
        return call("exp", call("mul", HALF, call("log", args[0])))
    if rng.random() < 0.5:
        return call("exp", call("log", node)) if positive(node) else None
    return call("log", call("exp", node)) if op not in ("exp", "log", "square", "div", "cosh", "sinh") else None


def labels(node: Formula, rng: Random) -> Formula | None:
    """y_true = y_true**2 = y_true*y_true = 1 - (1 - y_true)**2, and back."""
    square = node.op == "square" or (node.op == "pow" and number_of(node.args[1]) == 2)
    if node == call("mul", Y_TRUE, Y_TRUE) or (square and node.args[0] == Y_TRUE):
        return Y_TRUE
    if node != Y_TRUE:
        return None
    flipped = call("sub", ONE, call("pow", call("sub", ONE, Y_TRUE), TWO))
    return rng.choice([call("pow", Y_TRUE, TWO), call("square", Y_TRUE), call("mul", Y_TRUE, Y_TRUE), flipped])


def numbers(node: Formula, rng: Random) -> Formula | None:
    """Split a constant into a sum of two, or add or multiply two constants; exactly, or not at all."""
    value = number_of(node)
    if value is not None:
        part = Fraction(rng.randrange(-300, 300), 100)
        rest = decimal(value - part)
        first = decimal(part)
        return None if rest is None or first is None else call("add", first, rest)
    if node.op in ("add", "sub", "mul"):
        a, b = (number_of(arg) for arg in node.args)
        if a is not None and b is not None:
            return decimal({"add": a + b, "sub": a - b, "mul": a * b}[node.op])
    return None


def functions(node: Formula, rng: Random) -> Formula | None:
    """cos(-a) = cos(a), f(-a) = -f(a) for odd f, and max, min, relu, abs, sigmoid and softplus by others."""
    op, args = node.op, node.args
    if op in ("cos", "i0", "i0e"):
        return call(op, call("neg", args[0]))
    if op in ("i1", "i1e", "sin", "tanh", "sinh", "asinh", "atan", "erf", "tan"):
        return call("neg", call(op, call("neg", args[0])))
    if op in ("max", "min"):
        other = "min" if op == "max" else "max"
        return call("neg", call(other, call("neg", args[0]), call("neg", args[1])))
    if op == "relu":
        return call("max", args[0], constant(0.0))
    if op == "abs":
        return rng.choice([call("max", args[0], call("neg", args[0])), call("abs", call("neg", args[0]))])
    if op == "sigmoid":
        return call("div", ONE, call("add", ONE, call("exp", call("neg", args[0]))))
    if op == "softplus":
        return call("log", call("add", ONE, call("exp", args[0])))
    return None


def inert(node: Formula, rng: Random) -> Formula:
    """Multiply the whole loss by a positive constant, or add a function of y_true or a multiple of y_pred."""
    factor = constant(rng.choice(_FACTORS))
    term = rng.choice([call("cos", Y_TRUE), call("exp", Y_TRUE), call("mul", constant(-2.4), Y_TRUE), constant(0.37)])
    multiple = call("mul", constant(rng.choice((-3.1, -1.0, 0.7, 2.0))), Y_PRED)
    return rng.choice(
        [
            call("mul", factor, node),
            call("div", node, factor),
            call("add", node, term),
            call("sub", term, call("neg", node)),
            call("add", node, multiple),
            call("sub", node, multiple),
        ]
    )


RULES: tuple[Rule, ...] = (
    commute,
    associate,
    distribute,
    factor_out,
    signs,
    squares,
    exponentials,
    logarithms,
    inverses,
    labels,
    numbers,
    functions,
)


def places(node: Formula, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Formula]]:
    """Yield every node with the way to it."""
    yield path, node
    for number, arg in enumerate(node.args):
        yield from places(arg, (*path, number))


def in_exponent(node: Formula, path: tuple[int, ...]) -> bool:
    """Whether a place is inside an exponent."""
    return bool(path) and ((node.op == "pow" and path[0] == 1) or in_exponent(node.args[path[0]], path[1:]))


def put(node: Formula, path: tuple[int, ...], new: Formula) -> Formula:
    """Return the formula with another node at a place."""
    if not path:
        return new
    args = list(node.args)
    args[path[0]] = put(args[path[0]], path[1:], new)
    return call(node.op, *args)


def rewrite(formula: Formula, rng: Random, steps: int) -> tuple[Formula, list[str]]:
    """Return the loss written otherwise by random steps, and the names of the steps."""
    done: list[str] = []
    while len(done) < steps:
        if rng.random() < 0.2:
            formula = inert(formula, rng)
            done.append("inert")
            continue
        rule = rng.choice(RULES)
        found = list(places(formula))
        rng.shuffle(found)
        for path, node in found:
            if rule is not numbers and in_exponent(formula, path):
                continue  # (-0.3)**log(exp(2)) has a real value, but nothing that computes can know
            new = rule(node, rng)
            if new is not None and new != node:
                formula = put(formula, path, new)
                done.append(rule.__name__)
                break
    return formula, done
