"""The published search spaces: their operators, some of their members, and what the screens leave of their draws."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

import pytest
import sympy
from scipy import special

from symloss.formula import Formula, call, constant, parse_formula, to_text
from symloss.formula.numbers import compute
from symloss.grammar import Derivation, Grammar, Sampler, derive, load_grammar
from symloss.symbolic import IdentityIndex, Screener
from symloss.symbolic.sympy_bridge import to_sympy, y_pred, y_true

#: Each grammar's paper, as its header must name it.
PAPERS = {
    "autoloss-zero": ("Li, Fu, Dai", "2021", "arXiv 2103.14026"),
    "cse-autoloss": ("Liu, Zhang, Wang", "2021", "arXiv 2102.04700"),
    "evomal": ("Raymond, Chen, Xue and Zhang", "2022", "arXiv 2209.08907"),
    "neuroloss": ("Morgan and Hougen", "2024", "arXiv 2403.08793"),
    "taylorglo": ("Gonzalez and Miikkulainen", "2020", "arXiv 2002.00059"),
}
DRAWS = 200
#: How many of 200 draws pass the symbolic screens at least. Measured with seeds 0, 1 and 2: 34-45, 28-33, 36-39, 25-29
#: and 101-113; the default grammar has 32-41.
PASSING = {"autoloss-zero": 24, "cse-autoloss": 19, "evomal": 25, "neuroloss": 16, "taylorglo": 75}


def _arithmetic(guard: float) -> dict[str, Callable[..., float]]:
    return {
        "add": lambda a, b: a + b,
        "sub": lambda a, b: a - b,
        "mul": lambda a, b: a * b,
        "div": lambda a, b: a / (b + guard),
    }


def _quotient(a: float, b: float) -> float:
    return a / math.sqrt(1 + b * b)


def _sigmoid(a: float) -> float:
    return 1 / (1 + math.exp(-a))


#: The operators as the papers and their code define them, written out anew.
PUBLISHED: dict[str, dict[str, Callable[..., float]]] = {
    "autoloss-zero": {
        "add": lambda a, b: a + b,
        "mul": lambda a, b: a * b,
        "neg": lambda a: -a,
        "abs": abs,
        "inverse": lambda a: 1 / (a + 1e-7),
        "log": lambda a: math.log(abs(a) + 1e-7),
        "exp": math.exp,
        "tanh": math.tanh,
        "square": lambda a: a * a,
        "sqrt": lambda a: math.sqrt(abs(a) + 1e-7),
    },
    "cse-autoloss": {
        **_arithmetic(1e-20),
        "neg": lambda a: -a,
        "exp": math.exp,
        "log": lambda a: math.log(a + 1e-20),
        "abs": abs,
        "sqrt": math.sqrt,
        "softplus": lambda a: math.log1p(math.exp(a)),
        "sigmoid": _sigmoid,
        "gudermannian": lambda a: (2 * math.atan(math.tanh(a * math.pi / 4 / 2)) * 2 / math.pi + 1) / 2,
        "algebraic": lambda a: (_quotient(a / 2, a / 2) + 1) / 2,
        "erf": lambda a: (math.erf(math.sqrt(math.pi) / 2 * a / 2) + 1) / 2,
        "tanh": math.tanh,
        "sin": math.sin,
        "cos": math.cos,
        "relu": lambda a: max(a, 0.0),
    },
    "evomal": {
        **_arithmetic(0.0),
        "div": _quotient,
        "min": min,
        "max": max,
        "sign": lambda a: (a > 0) - (a < 0),
        "square": lambda a: a * a,
        "abs": abs,
        "log": lambda a: math.log(max(abs(a), 1e-7)),
        "sqrt": lambda a: math.sqrt(max(abs(a), 1e-7)),
        "tanh": math.tanh,
    },
    "neuroloss": {
        **_arithmetic(1e-7),
        "quotient": _quotient,
        "min": min,
        "max": max,
        "neg": lambda a: -a,
        "ln": lambda a: math.log(abs(a) + 1e-7),
        "log10": lambda a: math.log10(abs(a) + 1e-7),
        "exp": math.exp,
        "abs": abs,
        "sigmoid": _sigmoid,
        "softsign'": lambda a: 1 / (1 + abs(a)),
        "softplus": lambda a: math.log1p(math.exp(a)),  # the code adds 1e-7, which the grammar leaves out
        "erf": math.erf,
        "erfc": math.erfc,
        "sin": math.sin,
        "sinh": math.sinh,
        "asinh": math.asinh,
        "tanh": math.tanh,
        "atan": math.atan,
        "inverse": lambda a: 1 / (a + 1e-7),
        "i0": lambda a: float(special.iv(0, a)),
        "i0e": lambda a: float(special.ive(0, a)),
        "i1": lambda a: float(special.iv(1, a)),
        "i1e": lambda a: float(special.ive(1, a)),
        "max0": lambda a: max(a, 0.0),
        "min0": lambda a: min(a, 0.0),
        "square": lambda a: a * a,
        "sqrt": lambda a: math.sqrt(abs(a)),
        "softsign": lambda a: a / (1 + abs(a)),
        "tanh'": lambda a: 1 - math.tanh(a) ** 2,
        "sigmoid'": lambda a: _sigmoid(a) * (1 - _sigmoid(a)),
    },
}
#: With 0, where the guards of logarithms and quotients show.
POINTS = [(0.3, 0.8), (0.9, 0.2), (-0.4, 0.7), (-1.3, -2.5), (2.2, 1.1), (0.0, 0.0)]


def _draws(grammar: Grammar, seed: int = 0) -> list[Derivation]:
    sampler, rng = Sampler(grammar), random.Random(seed)
    drawn = [sampler.sample(rng) for _ in range(DRAWS)]
    return [derivation for derivation in drawn if derivation is not None]


def _signed(node: Formula) -> Formula:
    """Return the formula with minus a number as one number, as the parser reads -1."""
    if node.op == "neg" and node.args[0].op == "const":
        return constant(-float(node.args[0].value or 0))
    return call(node.op, *map(_signed, node.args)) if node.args else node


def _value(template: Formula, holes: Iterator[float]) -> float:
    """Return a production's value where its nonterminals are numbers; nan outside its domain."""
    if template.op == "hole":
        return next(holes)
    if template.op == "const":
        return float(template.value or 0)
    values = [_value(arg, holes) for arg in template.args]
    result = None if any(map(math.isnan, values)) else compute(template.op, *values)
    return math.nan if result is None else result


def _reference(function: Callable[..., float], *values: float) -> float:
    try:
        return float(function(*values))
    except ValueError:
        return math.nan


def _operators(grammar: Grammar) -> dict[str, list[Formula]]:
    """Return, by rule, the templates that apply something to nonterminals."""
    found = {
        name: [item.template for item in items if item.template is not None and item.holes and item.template.args]
        for name, items in grammar.rules.items()
    }
    return {name: templates for name, templates in found.items() if templates}


def _same(template: Formula, function: Callable[..., float], arity: int) -> bool:
    holes = sum(node.op == "hole" for node in template.walk())
    if holes < arity:
        return False
    for a, b in POINTS:
        # What takes one argument and is written with two is that function where the two are equal.
        ours = _value(template, iter((a, b) if arity == 2 else (a, a)))
        theirs = _reference(function, *(a, b)[:arity])
        if not (math.isnan(ours) and math.isnan(theirs)) and not math.isclose(ours, theirs, rel_tol=1e-12):
            return False
    return True


@pytest.mark.parametrize("name", PAPERS)
def test_the_header_names_the_paper(name: str) -> None:
    grammar = load_grammar(name)
    assert grammar.source is not None
    header = grammar.source.read_text(encoding="utf-8").split("\nname:")[0]
    assert all(line.startswith("#") for line in header.splitlines())
    text = " ".join(line.lstrip("# ") for line in header.splitlines())
    for part in (*PAPERS[name], "Published", "Here:", "Not here:", "Ours:"):
        assert part in text
    assert PAPERS[name][2] in grammar.description


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_operators_are_the_published_ones(name: str) -> None:
    rules = _operators(load_grammar(name))
    arity = {
        operator: 2 if operator in ("add", "sub", "mul", "div", "quotient", "min", "max") else 1
        for operator in PUBLISHED[name]
    }
    wanted = {
        "unary": {operator for operator in arity if arity[operator] == 1},
        "binary": {operator for operator in arity if arity[operator] == 2},
    }
    wanted |= {"alone": wanted["unary"], "pair": wanted["binary"], "expr": set(arity)}
    for rule, templates in rules.items():
        operators = sorted(wanted[rule])
        matched = []
        for template in templates:
            same = [op for op in operators if _same(template, PUBLISHED[name][op], arity[op])]
            # A product of equal arguments is also a square; such a template is what its arguments make it in general.
            full = [op for op in same if arity[op] == sum(node.op == "hole" for node in template.walk())]
            assert len(full or same) == 1, (to_text(template), same)
            matched += full or same
        assert sorted(matched) == operators


def test_neuroloss_counts() -> None:
    rules = _operators(load_grammar("neuroloss"))
    assert {name: len(templates) for name, templates in rules.items()} == {
        "alone": 27,
        "pair": 7,
        "unary": 27,
        "binary": 7,
    }


@pytest.mark.parametrize("name", PAPERS)
def test_draws_read_back_and_keep_the_limits(name: str) -> None:
    grammar = load_grammar(name)
    drawn = _draws(grammar)
    assert len(drawn) == DRAWS
    for derivation in drawn:
        formula = derivation.formula
        assert parse_formula(to_text(formula)) == _signed(formula)
        assert formula.depth <= grammar.limits.depth
        assert formula.size <= grammar.limits.nodes
        assert derive(grammar, formula) is not None
    assert len({derivation.formula for derivation in drawn}) >= 0.9 * DRAWS


@pytest.mark.parametrize("name", PAPERS)
def test_enough_draws_pass_the_screens(name: str) -> None:
    screen = Screener(10, IdentityIndex())
    passed = sum(screen(derivation.formula).screen is None for derivation in _draws(load_grammar(name)))
    assert passed >= PASSING[name]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("autoloss-zero", "-y_true*log(y_pred)"),
        ("autoloss-zero", "abs(y_true + -y_pred)"),
        ("autoloss-zero", "square(y_true + -y_pred)"),
        ("autoloss-zero", "log(y_pred) + -(y_true*(1/(y_pred + 1e-7)))"),  # Baikal
        ("cse-autoloss", "-y_true*log(y_pred + 1e-20)"),
        ("cse-autoloss", "abs(y_true - y_pred)"),
        ("cse-autoloss", "-y_true*((1 - y_pred)*(1 - y_pred))*log(y_pred + 1e-20)"),  # focal
        ("cse-autoloss", "log(y_pred + 1e-20) - y_true/(y_pred + 1e-20)"),
        ("evomal", "-1*y_true*log(max(abs(y_pred), 1e-7))"),
        ("evomal", "abs(y_true - y_pred)"),
        ("evomal", "square(y_true - y_pred)"),
        ("neuroloss", "-(y_true*log(abs(y_pred) + 1e-7))"),
        ("neuroloss", "abs(y_true - y_pred)"),
        ("neuroloss", "square(y_true - y_pred)"),
        ("neuroloss", "log(abs(y_pred) + 1e-7) - y_true/(y_pred + 1e-7)"),
        ("neuroloss", "i1e(y_true - i0(y_pred))"),
        (
            "taylorglo",
            "-(1*y_pred + -0.5*y_pred**2 + 0*y_pred**3 + 2*y_true*y_pred + 0*y_true*y_pred**2 + 0*y_true**2*y_pred)",
        ),
    ],
)
def test_members(name: str, text: str) -> None:
    assert derive(load_grammar(name), parse_formula(text)) is not None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("autoloss-zero", "sin(y_true + -y_pred)"),
        ("autoloss-zero", "2*y_pred*y_true"),
        ("cse-autoloss", "4*y_pred*y_true"),
        ("evomal", "exp(y_pred)*y_true"),
        ("evomal", "y_true/y_pred"),
        ("neuroloss", "cos(y_true - y_pred)"),
        ("neuroloss", "y_true*log(abs(y_pred) + 1e-7)"),  # the root takes no leaf
        ("taylorglo", "-(1*y_pred + 1*y_pred**2)"),
    ],
)
def test_strangers(name: str, text: str) -> None:
    assert derive(load_grammar(name), parse_formula(text)) is None


def test_most_neuroloss_draws_have_at_most_a_root_and_four_nodes() -> None:
    functions = [
        sum(node.nonterminal in ("root", "node") for node in derivation.walk())
        for derivation in _draws(load_grammar("neuroloss"))
    ]
    assert sum(count <= 5 for count in functions) >= 0.8 * DRAWS  # 84 to 91 % with seeds 0, 1 and 2
    assert sum(count >= 3 for count in functions) >= 0.6 * DRAWS


def test_evomal_draws_have_the_published_height() -> None:
    def height(derivation: Derivation) -> int:
        below = max(map(height, derivation.children), default=-1)
        return (
            below
            if len(derivation.children) == 1 and derivation.formula == derivation.children[0].formula
            else below + 1
        )

    assert max(map(height, _draws(load_grammar("evomal")))) <= 10


def test_taylorglo_draws_are_cubic_without_terms_that_have_no_gradient() -> None:
    monomials = {y_pred, y_pred**2, y_pred**3, y_true * y_pred, y_true * y_pred**2, y_true**2 * y_pred}
    coefficients = []
    for derivation in _draws(load_grammar("taylorglo")):
        terms = sympy.expand(to_sympy(derivation.formula)).as_coefficients_dict()
        assert set(terms) <= monomials
        coefficients += [float(value) for value in terms.values()]
    assert len(coefficients) > 0.99 * 6 * DRAWS
    mean = sum(coefficients) / len(coefficients)
    spread = math.sqrt(sum((value - mean) ** 2 for value in coefficients) / len(coefficients))
    assert abs(mean) < 4 * 1.2 / math.sqrt(len(coefficients))
    assert spread == pytest.approx(1.2, rel=0.1)


@pytest.mark.parametrize(
    "numbers",
    [
        ("0", "0", "1", "-0.4", "0.6", "0.3", "-1.2", "0.8"),
        ("0.5", "1", "-2.2", "0.7", "1.2", "-0.9", "0.4", "1.6"),
        ("-1.3", "0.2", "0.4", "2.6", "-3", "0.1", "-0.6", "-2"),
    ],
)
def test_taylorglo_holds_the_published_form_around_any_centre(numbers: tuple[str, ...]) -> None:
    t = [sympy.Rational(number) for number in numbers]
    dy, dp = y_true - t[0], y_pred - t[1]
    published = -(
        t[2] * dp + t[3] * dp**2 / 2 + t[4] * dp**3 / 6 + t[5] * dy * dp + t[6] * dy * dp**2 / 2 + t[7] * dy**2 * dp / 2
    )
    polynomial = sympy.Poly(-published, y_true, y_pred)
    powers = [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (2, 1)]
    c = [float(polynomial.coeff_monomial(y_true**i * y_pred**j)) for i, j in powers]
    formula = parse_formula(
        f"-({c[0]}*y_pred + {c[1]}*y_pred**2 + {c[2]}*y_pred**3 + {c[3]}*y_true*y_pred + "
        f"{c[4]}*y_true*y_pred**2 + {c[5]}*y_true**2*y_pred)"
    )
    assert derive(load_grammar("taylorglo"), formula) is not None
    assert sympy.diff(to_sympy(formula) - published, y_pred).expand() == 0
