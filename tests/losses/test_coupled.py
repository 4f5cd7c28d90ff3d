"""Losses that couple the classes: their terms, evaluated here node by node, against the references."""

import functools
import operator

import pytest
import torch

from symloss.formula import parse_formula
from symloss.losses import CATALOGUE, CatalogueLoss, Parameter, Term, find
from symloss.losses.entry import Part
from symloss.symbolic import to_latex

OPERATIONS = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": operator.pow,
    "neg": operator.neg,
    "log": torch.log,
    "exp": torch.exp,
}


def evaluate(node, p, y):
    """L(p, y) of every class, straight from the tree; p and y have the same shape."""
    if not node.args:
        return {"y_pred": p, "y_true": y}.get(node.op, node.value)
    return OPERATIONS[node.op](*(evaluate(arg, p, y) for arg in node.args))


def sum_of_terms(terms, logits, target):
    """The mean over samples of the sum of the terms."""
    p, labels = logits.softmax(1), torch.eye(logits.shape[1], dtype=logits.dtype)
    total = 0.0
    for term in terms:
        of_label = torch.stack([evaluate(term.formula, p, y.expand_as(p)).sum(1) for y in labels], dim=1)
        value = of_label.gather(1, target[:, None]).squeeze(1)
        total = total + term.weight * (value / of_label.sum(1) if term.normalised else value)
    return total.mean()


def test_the_terms_are_the_published_loss(case, batch, reference, value_and_gradient):
    name, given = case
    loss = CATALOGUE[name]
    if loss.formula is not None:
        assert loss.terms == ()
        return
    computed = functools.partial(sum_of_terms, loss.with_parameters(**given).terms)
    expected = functools.partial(reference[name], **given)
    torch.testing.assert_close(value_and_gradient(computed, *batch), value_and_gradient(expected, *batch))


def test_terms_of_nce_rce():
    assert find("nce_rce").with_parameters(beta=0.5, A=-4.0).terms == (
        Term(parse_formula("-y_true*log(y_pred)"), 1.0, normalised=True),
        Term(parse_formula("4*y_pred*(1 - y_true)"), 0.5),
    )


@pytest.mark.parametrize(
    ("name", "given", "text", "latex"),
    [
        ("nce", {}, "N(-y_true*log(y_pred))", r"\mathrm{N}\left(CE\right)"),
        (
            "nce_mae",
            {},
            "N(-y_true*log(y_pred)) + y_true*(1 - y_pred)",
            r"\mathrm{N}\left(CE\right) + y \left(1 - p\right)",
        ),
        (
            "nce_mae",
            {"alpha": 10.0, "beta": 0.1},
            "10*N(-y_true*log(y_pred)) + 0.1*(y_true*(1 - y_pred))",
            r"10 \, \mathrm{N}\left(CE\right) + 0.1 \, \left(y \left(1 - p\right)\right)",
        ),
    ],
)
def test_text_and_latex_of_coupled_losses(name, given, text, latex):
    loss = find(name).with_parameters(**given)
    assert loss.text == text
    assert loss.latex == latex.replace("CE", to_latex(parse_formula("-y_true*log(y_pred)")))


def test_a_sum_in_a_term_is_in_parentheses():
    parts = (Part("y_true - y_pred", "one"), Part("-y_pred", "one"), Part("y_true*y_pred", "one"))
    loss = CatalogueLoss(
        "x", parts, find("ce").paper, "never", parameters={"one": Parameter(1.0, 0.0, 2.0, "a weight")}
    )
    assert loss.text == "(y_true - y_pred) + (-y_pred) + y_true*y_pred"
