"""Exported text: run, read back, and compared with what it was exported from."""

import importlib.util
import json
import math
import re

import pytest
import sympy
import torch

from symloss.codegen import Loss, export_json, export_latex, export_sympy, export_torch
from symloss.codegen.export_torch import class_name
from symloss.errors import SymlossError
from symloss.formula import FUNCTIONS, parse_formula
from symloss.symbolic import to_latex, to_sympy

FORMULAS = [
    "-y_true*log(y_pred)",
    "abs(y_true - y_pred) + 0.5",
    "(y_true - y_pred)**2",
    "exp(2.4092 - y_pred*(1 + y_true)) - cos(cos(sin(y_pred)))",
    "y_true*(1 - y_pred**0.7)/0.7 + max(y_pred, 0.3)*min(y_pred*y_true, 0.2)",
    "-(y_true - (1 - y_pred*-2))/(2 + y_pred) - (y_true - y_pred)*log(1 - y_pred)*-3",
    "sqrt(y_pred + y_true) + (y_pred + 2)**y_true - 2**(-y_pred) + softplus(y_pred) + (0.2 + y_pred)**0.3",
]
#: Everything of the whitelist at least once.
EVERYTHING = " + ".join(
    f"{name}({', '.join(['(y_pred + y_true + 0.1)', '0.5'][: function.arity])})" for name, function in FUNCTIONS.items()
)


def _run(tmp_path, source, name="exported"):
    path = tmp_path / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("text", [*FORMULAS, EVERYTHING])
@pytest.mark.parametrize("shape", [(6,), (4, 6), (2, 6, 3)])
def test_torch_file_equals_the_loss(tmp_path, text, shape):
    module = _run(tmp_path, export_torch(parse_formula(text), name="my loss", class_reduction="mean"))
    generator = torch.Generator().manual_seed(1)
    logits = 4 * torch.randn(shape, generator=generator)
    target = torch.randint(6, shape[:1] * (len(shape) > 1) + shape[2:], generator=generator)
    for labels in (target, torch.rand(shape, generator=generator)):
        for reduction in ("mean", "sum", "none"):
            values = []
            for criterion in (
                module.MyLoss(reduction=reduction),
                Loss(text, class_reduction="mean", reduction=reduction),
            ):
                z = logits.clone().requires_grad_()
                value = criterion(z, labels)
                values.append((value, torch.autograd.grad(value.sum(), z)[0]))
            torch.testing.assert_close(values[0], values[1], rtol=1e-6, atol=1e-7)


def test_torch_file_imports_torch_alone():
    source = export_torch(parse_formula(FORMULAS[3]), name="ngl")
    assert set(re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE)) == {
        "__future__",
        "collections",
        "math",
        "torch",
        "typing",
    }


@pytest.mark.parametrize("text", [*FORMULAS[:4], "-y_true*y_pred + (1 - y_true)/(1 - y_pred)**2"])
def test_torch_file_keeps_confident_logits_finite(tmp_path, text):
    criterion = _run(tmp_path, export_torch(parse_formula(text), name="x")).XLoss()
    z = torch.tensor([[100.0, -100.0, 0.0]], requires_grad=True)
    criterion(z, torch.tensor([0])).backward()
    assert z.grad.isfinite().all()


def test_torch_file_says_what_it_is(tmp_path):
    formula = parse_formula("-y_true*log(y_pred)")
    source = export_torch(formula, name="ce", provenance={"run": "r1", "seed": 3})
    doc = _run(tmp_path, source).__doc__
    for part in ("-y_true*log(y_pred)", to_latex(formula), "run: r1", "seed: 3"):
        assert part in doc


@pytest.mark.parametrize(
    "text",
    [
        '"""\nraise SystemExit\n"""',
        "\\",
        'ends with "',
        "{braces} {0}",
        "r'''\nraise SystemExit",
        "\r\fraise",
        "é",
    ],
)
def test_provenance_cannot_become_code(tmp_path, text):
    source = export_torch(parse_formula("y_pred"), name=f"a{text}", provenance={text: text})
    module = _run(tmp_path, source)
    assert "raise" not in source.split('"""')[2]
    assert module.__doc__.count(":") >= 2


def test_class_names():
    assert [class_name(name) for name in ("ngl", "my-loss", "run 3:1", "3x")] == [
        "NglLoss",
        "MyLoss",
        "Run31Loss",
        "_3xLoss",
    ]
    assert all(class_name(name).isidentifier() for name in ("loss", "Loss", "a.b", "class"))
    with pytest.raises(SymlossError, match="cannot name a class"):
        class_name("---")


def test_unknown_class_reduction():
    with pytest.raises(SymlossError, match="unknown class_reduction"):
        export_torch(parse_formula("y_pred"), name="x", class_reduction="max")


@pytest.mark.parametrize(
    "text", [*FORMULAS, EVERYTHING, "1/2*y_pred + (1 + 2)/4 - 2**3/5 - (-2)**2/y_pred - -3/y_pred"]
)
def test_sympy_source_builds_the_same_expression(tmp_path, text):
    formula = parse_formula(text)
    expression = _run(tmp_path, export_sympy(formula)).expression
    assert not expression.atoms(sympy.Float)
    assert expression == to_sympy(formula)


def test_sympy_source_does_not_double_without_end():
    with pytest.raises(SymlossError, match="nest fewer"):
        export_sympy(parse_formula("i0e(" * 60 + "y_pred" + ")" * 60))


def test_latex_is_a_document():
    document = export_latex(parse_formula(FORMULAS[3]), name="50%_best #1 \\x{")
    assert document.startswith("\\documentclass")
    assert document.rstrip().endswith("\\end{document}")
    unescaped = document.replace("\\{", "").replace("\\}", "")
    assert unescaped.count("{") == unescaped.count("}")
    assert r"50\%\_best \#1 \textbackslash{}x\{" in document
    assert "2.4092" in document


def test_json_holds_what_is_needed_to_rebuild():
    formula = parse_formula(FORMULAS[4])
    content = json.loads(export_json(formula, name="x", provenance={"p": math.pi}))
    assert parse_formula(content["expression"]) == formula
    assert content["provenance"] == {"p": math.pi}
    assert content["size"] == formula.size
    assert set(content) == {"name", "expression", "latex", "size", "provenance"}
