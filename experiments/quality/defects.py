"""Losses with a planted pole, jump, kink, oscillation or gap in their domain, confirmed by mpmath; and benign ones.

A defect is a text in ``y_pred`` around a place in [0, 1]. It is put into a larger loss at random, and kept only where
mpmath finds it in a response curve: no limit, two different one-sided limits, a jump of the loss, or no value at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import mpmath
from curves import TooLarge, Undefined, evaluate, real
from mpmath import mpf
from rewrites import draws, places, put, rewrite

from symloss.formula import Y_PRED, Y_TRUE, Formula, call, constant, parse_formula
from symloss.symbolic import IdentityIndex, Screener

#: Defects at any place a: kind, text. {a} is the place, {w} a width of 1e-3 to 1e-9, {n} a number in [0.2, 3].
_ANYWHERE = [
    ("pole", "1/(y_pred - {a})"),
    ("pole", "{n}/(y_pred - {a})**2"),
    ("pole", "y_pred/(y_pred - {a})**3"),
    ("pole", "1e-9/({a} - y_pred)"),
    ("pole", "exp(1/(y_pred - {a}))"),
    ("pole", "1/square({n}*(y_pred - {a}))"),
    ("pole", "1/(y_pred - {a}) - 1/(y_pred - {a} - 1e-12)"),
    ("pole", "softplus(1e-9/(y_pred - {a}))"),
    ("two poles", "1/((y_pred - {a})**2 - {w}**2)"),
    ("log pole", "log(square(y_pred - {a}))"),
    ("log pole", "log(abs(y_pred - {a}))"),
    ("steep", "sqrt(abs(y_pred - {a}))"),
    ("steep", "square(y_pred - {a})**0.4"),
    ("steep", "exp(0.3*log((y_pred - {a})**2))"),
    ("gap", "log((y_pred - {a})**2 - {w}**2)"),
    ("gap", "sqrt((y_pred - {a})**2 - {w}**2)"),
    ("gap", "((y_pred - {a})**2 - {w}**2)**0.7"),
    ("gap", "log(abs(y_pred - {a}) - {w})"),
    ("half gap", "log(y_pred - {a})"),
    ("half gap", "sqrt({a} - y_pred)"),
    ("half gap", "(y_pred - {a})**2.5"),
    ("half gap", "(y_pred - {a})**y_pred"),
    ("jump", "sign(y_pred - {a})"),
    ("jump", "{n}*y_pred*sign({a} - y_pred)"),
    ("jump", "tanh(1/(y_pred - {a}))"),
    ("jump", "atan(1/(y_pred - {a}))"),
    ("jump", "erf(1/(y_pred - {a}))"),
    ("jump", "sigmoid(1e-6/({a} - y_pred))"),
    ("jump", "max(0, min(1, 1e-7*sign(y_pred - {a})))"),
    ("kink", "abs(y_pred - {a})"),
    ("kink", "relu(y_pred - {a})"),
    ("kink", "i0e(y_pred - {a})"),
    ("kink", "max(y_pred, {a})"),
    ("kink", "min({n}*(y_pred - {a}), 0)"),
    ("kink", "sqrt(square(y_pred - {a}))"),
    ("kink", "max({a}, min(y_pred, {a} + {w}))"),
    ("kink", "1e-6*abs(exp(y_pred) - exp({a}))"),
    ("oscillation", "sin(1/(y_pred - {a}))"),
    ("oscillation", "(y_pred - {a})*cos(1/(y_pred - {a}))"),
]

#: Defects whose place follows from a number {c}: kind, text, the range of c, the place.
_HIDDEN: list[tuple[str, str, float, float, Callable[[mpf], mpf]]] = [
    ("hidden pole", "1/(exp(y_pred) - {c})", 1.0, 2.7, mpmath.log),
    ("hidden pole", "y_pred/(log(y_pred) + {c})", 0.01, 9.0, lambda c: mpmath.exp(-c)),
    ("hidden pole", "1/(y_pred**2 + y_pred - {c})", 0.0, 2.0, lambda c: (mpmath.sqrt(1 + 4 * c) - 1) / 2),
    ("hidden pole", "1/(sin(y_pred) - {c})", 0.0, 0.84, mpmath.asin),
    ("hidden pole", "exp(y_pred)/(sqrt(y_pred) - {c})", 0.0, 1.0, lambda c: c * c),
    ("hidden pole", "1/(tanh({n}*y_pred) - tanh({n}*{c}))", 0.0, 1.0, lambda c: c),
    ("hidden pole", "log(square(cos(y_pred) - {c}))", 0.55, 1.0, mpmath.acos),
    ("hidden pole", "tan({c}*y_pred)", 1.6, 9.0, lambda c: mpmath.pi / 2 / c),
    ("hidden pole", "tan({c}*y_pred)", 100.0, 5000.0, lambda c: mpmath.pi / 2 / c),
    ("hidden pole", "1/(log(y_pred) + {c})", 30.0, 1e6, lambda c: mpmath.exp(-c)),
    ("hidden pole", "log(abs(log(-log(y_pred)) - {c}))", 0.1, 9.0, lambda c: mpmath.exp(-mpmath.exp(c))),
    ("hidden pole", "tan(y_pred + {c})", 0.6, 1.57, lambda c: mpmath.pi / 2 - c),
    ("hidden pole", "log(-log({c} + 0*y_pred + y_pred))", 0.0, 1.0, lambda c: 1 - c),
    ("hidden kink", "max(exp(y_pred), {c})", 1.0, 2.7, mpmath.log),
    ("hidden kink", "min(y_pred, {c} - y_pred)", 0.0, 2.0, lambda c: c / 2),
    ("hidden jump", "sign(sin(y_pred) - {c})", 0.0, 0.84, mpmath.asin),
]

#: Defects at an end: kind, text, the end.
_AT_ENDS = [
    ("end", "y_pred**(-0.3)", 0),
    ("end", "exp(-0.01*log(y_pred))", 0),
    ("end", "log(y_pred)**2", 0),
    ("end", "-log(y_pred)*sqrt(1 + square(log(y_pred)))", 0),
    ("end", "1/sqrt(y_pred)", 0),
    ("end", "exp(1/y_pred)", 0),
    ("end", "exp(square(log(y_pred)))", 0),
    ("end", "log(y_pred)*log(1 + exp(-log(y_pred)))", 0),
    ("end", "log(1 - y_pred)", 1),
    ("end", "log(-log(y_pred))", 1),
    ("end", "sqrt(-log(y_pred))", 1),
    ("end", "(1 - y_pred)*log(1 - y_pred)", 1),
    ("end", "sqrt(1 - y_pred)", 1),
    ("end", "(1 - y_pred)**0.99", 1),
    ("end", "1/log(y_pred)", 1),
    ("end", "sqrt(1 - y_pred**2)", 1),
    ("oscillation", "sin({n}*log(y_pred))", 0),
    ("oscillation", "y_pred*sin(1/y_pred)", 0),
    ("oscillation", "cos(log(1 - y_pred))", 1),
]

_CARRIERS = ("y_true", "1 - y_true", "y_true - 1", "square(y_true)", "exp(y_true) - 2.718281828459045")

#: Losses without a defect that look as if they had one.
BENIGN = [
    "-y_true/((y_pred - 0.3217)**2 + 1e-8)",
    "-y_true*log((y_pred - 0.71)**2 + 1e-6)",
    "y_true*y_pred*log(y_pred) - y_pred",
    "-y_true*sqrt(y_pred)",
    "-y_true*exp(0.3*log(y_pred))",
    "-y_true*y_pred**0.3",
    "abs(y_true - y_pred)",
    "(1 - y_true)*abs(y_pred) - y_true*y_pred",
    "-y_true*log(y_pred) - (1 - y_true)*log(1.000001 - y_pred)",
    "-y_true*y_pred**y_pred",
    "-y_true*(1 - y_pred)**1.5",
    "-y_true*(1 - y_pred)**2*log(1 - y_pred)",
    "-y_true*tanh(1000*(y_pred - 0.5))",
    "-y_true*atan(1/y_pred)*y_pred",
    "-y_true*log(y_pred + y_pred)",
    "-y_true*log(square(y_pred))",
    "-y_true*log(exp(y_pred) - 1)",
    "-y_true*sin(y_pred)/y_pred - y_pred",
    "-y_true*y_pred**2*sin(1/y_pred)",
    "-y_true*sqrt(square(y_pred) + 1e-12)",
    "-y_true*max(y_pred, -0.1)",
    "-y_true*relu(y_pred)",
    "-y_true*min(y_pred, 1)",
    "-y_true*log(max(y_pred, 0))",
    "-y_true*square(relu(y_pred - 0.4))",
    "-y_true*y_pred*abs(y_pred)",
    "-y_true*(y_pred - 0.3)*abs(y_pred - 0.3)",
    "y_true*tan(1.57*y_pred) - y_true*1.3e6*y_pred",
]


@dataclass(frozen=True)
class Planted:
    """A loss with a defect: its kind, where it is, and the labels whose response curve carries it."""

    formula: Formula
    kind: str
    place: str
    labels: tuple[int, ...]


def planted(seed: int, number: int) -> Iterator[Planted]:
    """Yield ``number`` losses with a confirmed defect."""
    rng = Random(seed)
    hosts = _well_behaved(seed)
    made = 0
    while made < number:
        kind, text, place = _draw_defect(rng)
        formula = _embed(parse_formula(text), hosts, rng)
        labels = tuple(label for label in (0, 1) if carries(formula, label, place) and not _wild(formula, label, place))
        if labels:
            made += 1
            yield Planted(formula, kind, mpmath.nstr(place(), 15), labels)


def _well_behaved(seed: int) -> Iterator[Formula]:
    screener = Screener(10, IdentityIndex())
    for formula in draws("default", seed, "hosts"):
        if screener(formula).screen in (None, "null-epoch"):
            yield formula


def _place(rng: Random) -> float:
    """Return a place in [0, 1]: any, a round one, one where halving meets it, one beside an end, or an end."""
    simple = (0.5, 0.25, 0.75, 0.125, 0.375, 1 / 1024, 0.1, 0.9, 1e-6, 1e-9, 0.999999, 0.999999999, 0.0, 1.0)
    extreme = (1e-30, 1e-300, 1 - 2**-53, 1e-16)
    return rng.choice((rng.random(), rng.random(), round(rng.random(), 3), rng.choice(simple), rng.choice(extreme)))


def _draw_defect(rng: Random) -> tuple[str, str, Callable[[], mpf]]:
    """Return the kind, the text and the place, which is computed at the precision of the caller."""
    fill = {"n": f"{rng.uniform(0.2, 3):.3g}", "w": rng.choice(("1e-3", "1e-6", "1e-9"))}
    choice = rng.random()
    if choice < 0.6:
        kind, text = rng.choice(_ANYWHERE)
        where = repr(_place(rng))
        return kind, text.format(a=where, **fill), lambda: mpf(where)
    if choice < 0.8:
        kind, text, low, high, solve = rng.choice(_HIDDEN)
        number = repr(round(rng.uniform(low, high), rng.choice((2, 4, 15))))
        return kind, text.format(c=number, **fill), lambda: solve(mpf(number))
    kind, text, end = rng.choice(_AT_ENDS)
    return kind, text.format(**fill), lambda: mpf(end)


def _embed(defect: Formula, hosts: Iterator[Formula], rng: Random) -> Formula:
    """Put a defect into a larger loss: as a term, times what does not vanish, in functions, or in a leaf's place."""
    node = defect
    for _ in range(rng.randrange(4)):
        host = next(hosts)
        factor = rng.choice((call("exp", call("sin", host)), call("add", constant(2.0), call("cos", host))))
        wrapped = [
            call("mul", node, factor),
            call("div", node, factor),
            call("mul", constant(rng.choice((-2.5, 1e-4, 0.31))), node),
            call("add", host, node),
            call("sub", node, host),
            call(rng.choice(("exp", "asinh", "sin", "neg", "square", "softplus", "atan", "sigmoid")), node),
            call("log", call("add", constant(1.0), call("square", node))),
            _in_a_leaf(host, node, rng),
        ]
        node = rng.choice(wrapped)
    if rng.random() < 0.4:
        node, _ = rewrite(node, rng, rng.randrange(1, 5))
    carrier = rng.random()
    if carrier < 0.6:
        # The last factor is nearly 0 at label 1, and not 0.
        node = call("mul", parse_formula(rng.choice(_CARRIERS)), node)
    elif carrier < 0.7:
        node = shift(node, parse_formula("y_pred + 3*(1 - y_true)"))
    rest = call("neg", call("mul", Y_TRUE, call("log", Y_PRED)))
    return call("add", rest, node) if rng.random() < 0.5 else call("sub", node, next(hosts))


def shift(node: Formula, argument: Formula) -> Formula:
    """Return the formula with every ``y_pred`` replaced."""
    if node == Y_PRED:
        return argument
    return call(node.op, *(shift(arg, argument) for arg in node.args)) if node.args else node


def _in_a_leaf(host: Formula, node: Formula, rng: Random) -> Formula:
    leaves = [path for path, leaf in places(host) if not leaf.args]
    return put(host, rng.choice(leaves), node)


def carries(formula: Formula, label: int, place: Callable[[], mpf]) -> bool:
    """Whether mpmath finds a defect at a place in the response curve of a label."""
    # Enough digits for log(exp(y_pred)) at the smallest distance; tiny places lie further down.
    with mpmath.workdps(300):
        tiny = 0 < place() < mpf(10) ** -100
    with mpmath.workdps(700 if tiny else 300):
        at = place()
        if at < 0 or at > 1:
            return False
        sides = [sign for sign, there in ((-1, at > 0), (1, at < 1 - mpf(10) ** -200)) if there]
        depths = ((12, 20), (40, 70)) if at > 0 else ((30, 60), (120, 240))
        unit = min(at, 1 - at) if len(sides) > 1 else mpf(1)
        limits = []
        try:
            for sign in sides:
                shallow, deep = (_samples(formula, label, at, sign * unit, depth) for depth in depths)
                if _stays(_spread(shallow), _spread(deep)):
                    return bool(at > 0) or _stays_far_down(formula, label, _spread(shallow))
                limits.append((shallow[0], deep[0]))
        except TooLarge:
            return False
        except Undefined:
            return bool(at == 0 or at > mpf(10) ** -600)
        if len(limits) < 2:
            return False
        left, right = limits
        return any(_stays(*(abs(left[depth][k] - right[depth][k]) for depth in (0, 1))) for k in (0, 1))


def _stays_far_down(formula: Formula, label: int, shallow: mpf) -> bool:
    """Whether a spread near p = 0 is still there at 1e-20000; a curve such as 1/(1e5 + log(p)**2) settles late."""
    try:
        return _stays(shallow, _spread(_samples(formula, label, mpf(0), mpf(1), (20_000, 40_000))))
    except Undefined:
        return True


def _wild(formula: Formula, label: int, place: Callable[[], mpf]) -> bool:
    """Whether the same seems to be so on both sides of the place: the curve is smooth, but too steep to tell."""
    return all(carries(formula, label, lambda shift=shift: _beside(place(), shift)) for shift in (-1, 1))


def _beside(place: mpf, shift: int) -> mpf:
    beside = place * (1 + shift * mpf("0.0123")) if place > 0 else mpf("0.0123")
    return beside if beside < 1 else place - mpf("0.0123")


def _stays(shallow: mpf, deep: mpf) -> bool:
    """Whether a difference does not vanish on the way to a place."""
    return bool(deep > max(shallow * mpf(0.7), mpf(10) ** -35))


def _samples(formula: Formula, label: int, at: mpf, side: mpf, depth: tuple[int, int]) -> list[tuple[mpf, mpf]]:
    """Return loss and response at five points on one side of a place, at distances of so many digits of ``side``."""
    rng = Random(5)
    samples = []
    for _ in range(5):
        p = at + side * rng.uniform(1, 9) * mpf(10) ** -rng.randint(*depth)
        value, slope = evaluate(formula, p, label)
        samples.append((real(value), mpf(0) if slope is None else p * slope))
    return samples


def _spread(samples: list[tuple[mpf, mpf]]) -> mpf:
    values = [response for _, response in samples]
    return max(values) - min(values)
