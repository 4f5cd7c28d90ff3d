"""What is a formula and what is not; nothing that is not may do more than raise FormulaError."""

import math
import time
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symloss.formula import (
    FUNCTIONS,
    Y_PRED,
    Y_TRUE,
    FormulaError,
    call,
    constant,
    parse_formula,
    parse_template,
    to_text,
)

ARITHMETIC = [
    ("y_pred - y_true - 2", lambda p, y: p - y - 2),
    ("y_pred - (y_true - 2)", lambda p, y: p - (y - 2)),
    ("y_pred/y_true/2", lambda p, y: p / y / 2),
    ("y_pred/(y_true/2)", lambda p, y: p / (y / 2)),
    ("2*y_pred + 3*y_true", lambda p, y: 2 * p + 3 * y),
    ("2*(y_pred + 3)*y_true", lambda p, y: 2 * (p + 3) * y),
    ("-y_pred**2", lambda p, y: -(p**2)),
    ("(-y_pred)**2", lambda p, y: (-p) ** 2),
    ("-3**2*y_pred", lambda p, y: -(3**2) * p),
    ("(-3)**2*y_pred", lambda p, y: (-3) ** 2 * p),
    ("2**y_pred**y_true", lambda p, y: 2 ** (p**y)),
    ("(2**y_pred)**y_true", lambda p, y: (2**p) ** y),
    ("2**-y_pred", lambda p, y: 2**-p),
    ("y_pred*-y_true", lambda p, y: p * -y),
    ("--y_pred", lambda p, y: p),
    ("+y_pred - +y_true", lambda p, y: p - y),
    ("1e-2*y_pred + .5", lambda p, y: 0.01 * p + 0.5),
    ("y_pred - -3", lambda p, y: p + 3),
]


def plain_value(node, p, y):
    """The value of a formula in + - * / ** by Python's own operators."""
    if node.op == "const":
        return node.value
    if not node.args:
        return p if node.op == "y_pred" else y
    args = [plain_value(arg, p, y) for arg in node.args]
    methods = {"add": "__add__", "sub": "__sub__", "mul": "__mul__", "div": "__truediv__", "pow": "__pow__"}
    return -args[0] if node.op == "neg" else getattr(args[0], methods[node.op])(args[1])


@pytest.mark.parametrize(("text", "meaning"), ARITHMETIC)
def test_precedence_is_pythons(text, meaning):
    p, y = 0.37, 1.9
    formula = parse_formula(text)
    assert plain_value(formula, p, y) == pytest.approx(meaning(p, y), rel=1e-14)
    assert plain_value(parse_formula(to_text(formula)), p, y) == pytest.approx(meaning(p, y), rel=1e-14)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=list(FUNCTIONS))
def test_every_function_is_read_and_checks_its_arity(function):
    args = ["y_pred", "y_true"][: function.arity]
    formula = parse_formula(f"{function.name}({', '.join(args)})")
    assert formula == call(function.name, *[Y_PRED, Y_TRUE][: function.arity])
    for wrong in ([], [*args, "1"]):
        with pytest.raises(FormulaError, match=rf"'{function.name}' takes {function.arity} argument"):
            parse_formula(f"{function.name}({', '.join(wrong)})")
    with pytest.raises(FormulaError, match="needs its arguments in parentheses"):
        parse_formula(function.name)


NOT_FORMULAS = [
    ("__import__('os').system('x')", "plain function names"),
    ("y_pred.__class__", "attribute is not allowed"),
    ("(lambda: 1)()", "plain function names"),
    ("lambda: 1", "lambda is not allowed"),
    ("y_pred < 1", "compare is not allowed"),
    ("y_pred if y_true else 1", "ifexp is not allowed"),
    ("'text'", "not a number"),
    ("b'x'", "not a number"),
    ("f'{y_pred}'", "not allowed"),
    ("True", "not a number"),
    ("1j*y_pred", "not a number"),
    ("exp(a=y_pred)", "plain arguments"),
    ("exp(*y_pred)", "plain arguments"),
    ("exp(**y_pred)", "plain arguments"),
    ("[y_pred]", "list is not allowed"),
    ("y_pred[0]", "subscript is not allowed"),
    ("(y_pred := 1)", "namedexpr is not allowed"),
    ("exq(y_pred)", "unknown function 'exq'.*did you mean 'exp'"),
    ("y_pre*2", "unknown name 'y_pre'.*did you mean 'y_pred'"),
    ("eval(y_pred)", "unknown function 'eval'"),
    ("y_pred^2", r"write \*\* for a power"),
    ("y_pred//2", "this operator is not allowed"),
    ("y_pred and 1", "boolop is not allowed"),
    ("not y_pred", "not allowed"),
    ("y_pred; y_true", "cannot read"),
    ("y_pred = 1", "cannot read"),
    ("y_pred +", "cannot read"),
    ("", "empty"),
    (" \t\n", "empty"),
    ("y_pred\0", "null character"),
    ("1e31*y_pred", r"larger than 1e\+30"),
    ("1e999*y_pred", r"larger than 1e\+30"),
    ("9" * 400, r"larger than 1e\+30"),
    ("9" * 5000, "cannot read"),
    ("0x" + "f" * 9000, "larger than"),
    ("ｙ_pred", r"'\\uff59'; write formulas in plain ASCII"),
    ("y_pred*٣", "plain ASCII"),
    ("y_pred − 1", "plain ASCII"),
    ("\ud800", "plain ASCII"),
    ("(" * 100_000 + "y_pred" + ")" * 100_000, "the limit is 10000"),
    ("(" * 4_000 + "y_pred" + ")" * 4_000, "cannot read"),
    ("-" * 9_000 + "y_pred", "nested too deeply"),
    ("exp(" * 150 + "1" + ")" * 150, "nested too deeply"),
    ("y_pred+" * 1_000_000 + "1", "the limit is 10000"),
    ("y_pred" + "+1" * 4_900, "nested too deeply"),
    ("y_pred**" * 1_000 + "1", "nested too deeply"),
]


@pytest.mark.parametrize(("text", "reason"), NOT_FORMULAS, ids=[repr(text[:20]) for text, _ in NOT_FORMULAS])
def test_anything_else_is_refused_quickly_with_a_short_message(text, reason):
    start = time.perf_counter()
    with pytest.raises(FormulaError, match=reason) as caught:
        parse_formula(text)
    assert time.perf_counter() - start < 2
    assert len(str(caught.value)) < 500


def test_a_wide_formula_is_refused_by_its_nodes():
    def tree(levels):
        return "y_pred" if levels == 0 else f"({tree(levels - 1)}+{tree(levels - 1)})"

    assert parse_formula(tree(8)).size == 511
    with pytest.raises(FormulaError, match="more than 1000 nodes"):
        parse_formula(tree(9))


@given(st.text(max_size=40) | st.text(alphabet="y_predtru01.e+-*/() ,exlogmasin[]'\"\\\n\0:=<", max_size=40))
def test_no_text_raises_anything_else_or_warns(text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            formula = parse_formula(text)
        except FormulaError:
            return
    assert all(node.op != "const" or math.isfinite(node.value) for node in formula.walk())


@pytest.mark.parametrize("text", ["1if 1else 2", "1or 2", "'\\d'", "0x1for x in y_pred", "1is 1", "exp(1)(2)", "'a'.b"])
def test_pythons_warnings_stay_inside(text):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(FormulaError):
            parse_formula(text)
    assert seen == []


def test_numbers():
    assert parse_formula("0.1") == constant(0.1)
    assert parse_formula("-3") == constant(-3.0)
    assert parse_formula("-(-3)") == call("neg", constant(-3.0))
    assert parse_formula("-0.0") == constant(0.0)
    assert math.copysign(1, parse_formula("-0.0").value) == 1


def test_templates_have_holes_where_formulas_have_names():
    template = parse_template("expr*y_pred + leaf", ["expr", "leaf"])
    assert [(node.op, node.value) for node in template.walk() if node.op == "hole"] == [
        ("hole", "expr"),
        ("hole", "leaf"),
    ]
    assert to_text(template) == "expr*y_pred + leaf"
    with pytest.raises(FormulaError, match=r"unknown nonterminal 'exprs'.*did you mean 'expr'"):
        parse_template("exprs", ["expr"])
    with pytest.raises(FormulaError, match="unknown name 'expr'"):
        parse_formula("expr")
