"""The catalogue: names, papers, texts and parameters."""

import pickle
import subprocess
import sys

import pytest

from symloss import losses
from symloss.errors import SymlossError
from symloss.formula import at_label, parse_formula, to_text
from symloss.losses import ALIASES, CATALOGUE, find
from symloss.losses.entry import CatalogueLoss, Paper, Parameter, Part
from symloss.losses.template import fill
from symloss.symbolic import to_latex

#: The texts of the first losses of the catalogue. Stored runs name them by what these formulas are.
TEXTS = {
    "ce": "-y_true*log(y_pred)",
    "brier": "(y_true - y_pred)**2",
    "mae": "abs(y_true - y_pred)",
    "ngl": "exp(2.4092 - y_pred*(1 + y_true)) - cos(cos(sin(y_pred)))",
    "focal": "-y_true*(1 - y_pred)**2*log(y_pred)",
    "poly1": "-y_true*log(y_pred) + y_true*(1 - y_pred)",
    "gce": "y_true*(1 - y_pred**0.7)/0.7",
    "sce": "-0.1*y_true*log(y_pred) + 4*y_pred*(1 - y_true)",
    "taylor_ce": "y_true*(1 - y_pred + (1 - y_pred)**2/2)",
    "agce": "y_true*((0.6 + 1)**0.6 - (0.6 + y_pred)**0.6)/0.6",
    "aul": "y_true*((5.5 - y_pred)**3 - (5.5 - 1)**3)/3",
    "ael": "y_true*exp(-y_pred/2.5)",
}
LOSSES = list(CATALOGUE.values())
PARAMETERS = [(loss, name) for loss in LOSSES for name in loss.parameters]
by_name = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
by_parameter = pytest.mark.parametrize(("loss", "name"), PARAMETERS, ids=lambda value: getattr(value, "name", value))


def test_there_are_many():
    assert len(CATALOGUE) >= 28


@pytest.mark.parametrize("name", TEXTS)
def test_texts_stay_as_they_are(name):
    assert find(name).text == to_text(find(name).formula) == TEXTS[name]
    assert parse_formula(TEXTS[name]) == find(name).formula


def test_names_and_aliases():
    assert all(name == loss.name for name, loss in CATALOGUE.items())
    assert not set(ALIASES) & set(CATALOGUE)
    assert find("mse") is find("brier")
    assert all(find(alias) in LOSSES for alias in ALIASES)


@pytest.mark.parametrize("call", [find, losses.get])
def test_unknown_names_get_a_suggestion(call):
    with pytest.raises(SymlossError, match=r"unknown loss 'focall'; known: .*did you mean 'focal'\?"):
        call("focall")


@by_name
def test_every_loss_names_its_paper(loss):
    paper = loss.paper
    assert paper.authors
    assert paper.title
    assert paper.source
    assert 1950 <= paper.year <= 2024
    assert loss.when
    assert "\n" not in loss.when
    assert len(loss.when) <= 120


@by_name
def test_class_wise_formulas_are_finite_at_both_labels_and_depend_on_p(loss):
    if loss.formula is None:
        assert loss.terms
        assert loss.latex
        return
    parts = [at_label(loss.formula, label) for label in (0, 1)]
    assert any(node.op == "y_pred" for part in parts for node in part.walk())
    assert loss.latex == to_latex(loss.formula)


def test_losses_are_values():
    assert find("focal") == find("focal").with_parameters(gamma=2.0)
    assert find("focal") != find("focal").with_parameters(gamma=1.0)
    assert find("focal").with_parameters() is find("focal")
    assert len({find("focal"), find("focal"), find("ce")}) == 2
    assert pickle.loads(pickle.dumps(find("taylor_ce"))) == find("taylor_ce")


def test_other_parameters_leave_the_entry_as_it_is():
    weaker = find("focal").with_parameters(gamma=1.0)
    assert weaker.text == "-y_true*(1 - y_pred)*log(y_pred)"
    assert weaker.parameters["gamma"].meaning == find("focal").parameters["gamma"].meaning
    assert find("focal").text == TEXTS["focal"]
    assert find("focal").values == {"gamma": 2.0}


@by_parameter
def test_values_are_in_range_and_a_number_outside_is_refused(loss, name):
    parameter = loss.parameters[name]
    assert parameter.low <= parameter.value <= parameter.high
    assert parameter.meaning
    for value in (parameter.low - 1, parameter.high + 1, float("nan"), float("inf"), "much", True, None):
        with pytest.raises(SymlossError, match=rf"{name} of {loss.name} is .*; it must be a .*number from .* to "):
            loss.with_parameters(**{name: value})


@by_parameter
def test_every_parameter_changes_the_loss_between_its_bounds(loss, name):
    parameter = loss.parameters[name]
    low, high = (loss.with_parameters(**{name: value}) for value in (parameter.low, parameter.high))
    assert (low.text, low.options) != (high.text, high.options)
    if loss.formula is not None:
        for changed in (low, high):
            assert any(node.op == "y_pred" for node in at_label(changed.formula, 1).walk()) or name in ("alpha", "A")


def test_whole_parameters():
    assert (
        find("taylor_ce").with_parameters(order=3).text == "y_true*(1 - y_pred + (1 - y_pred)**2/2 + (1 - y_pred)**3/3)"
    )
    with pytest.raises(SymlossError, match=r"order of taylor_ce is 2\.5; it must be a whole number from 1 to 50"):
        find("taylor_ce").with_parameters(order=2.5)


def test_unknown_parameters_get_a_suggestion():
    with pytest.raises(SymlossError, match=r"unknown parameter of focal 'gama'; known: gamma; did you mean 'gamma'\?"):
        find("focal").with_parameters(gama=1.0)
    with pytest.raises(SymlossError, match="ce has no parameters, but 'gamma' was given; drop it"):
        find("ce").with_parameters(gamma=1.0)


def test_plain_losses_are_their_formula():
    assert find("focal").plain
    assert find("focal").plain_formula == find("focal").formula
    assert {loss.name for loss in LOSSES if loss.plain} >= set(TEXTS)
    for name, reason in {
        "nce_rce": "nce_rce couples the classes",
        "bce": "bce is a loss on a sigmoid output",
        "label_smoothed_ce": r"label_smoothed_ce is more than its formula: it is trained with label_smoothing=0\.1",
    }.items():
        assert not find(name).plain
        with pytest.raises(SymlossError, match=rf"{reason}.*; symloss\.losses\.get\('{name}'\) trains it"):
            _ = find(name).plain_formula


@pytest.mark.parametrize(
    ("text", "values", "filled"),
    [
        ("-a*y_pred", {"a": 0.1}, "-0.1*y_pred"),
        ("-a*y_pred", {"a": -4.0}, "4*y_pred"),
        ("-a*y_pred", {"a": -1.0}, "y_pred"),
        ("-a*b*y_pred", {"a": -4.0, "b": 1.0}, "4*y_pred"),
        ("a*y_pred", {"a": 1.0}, "y_pred"),
        ("y_pred*a", {"a": 1.0}, "y_pred"),
        ("y_pred/a", {"a": 1.0}, "y_pred"),
        ("a/y_pred", {"a": 1.0}, "1/y_pred"),
        ("y_pred**a", {"a": 1.0}, "y_pred"),
        ("a**y_pred", {"a": 1.0}, "1**y_pred"),
        ("y_true*y_pred**a", {"a": 0.0}, "y_true"),
        ("a + y_pred", {"a": 0.0}, "y_pred"),
        ("y_pred + a", {"a": 0.0}, "y_pred"),
        ("y_pred - a", {"a": 0.0}, "y_pred"),
        ("a - y_pred", {"a": 0.0}, "0 - y_pred"),
        ("a*y_pred", {"a": 0.0}, "0*y_pred"),
        ("1*y_pred + 0", {"a": 1.0}, "1*y_pred + 0"),
        ("(a + 1)*y_pred", {"a": 0.6}, "(0.6 + 1)*y_pred"),
    ],
)
def test_parameters_without_effect_are_left_out(text, values, filled):
    assert to_text(fill(text, values)) == filled


def test_a_misspelt_parameter_in_a_template_is_an_error():
    loss = CatalogueLoss("x", "-gama*y_pred", Paper("A", "B", 2000, "C"), "never", parameters={"gamma": _one()})
    with pytest.raises(SymlossError, match="gama"):
        _ = loss.formula
    pair = CatalogueLoss("x", (Part("y_pred", "beta"),), Paper("A", "B", 2000, "C"), "never")
    with pytest.raises(KeyError):
        _ = pair.terms


def _one():
    return Parameter(1.0, 0.0, 2.0, "nothing")


def test_the_catalogue_does_not_import_torch_or_sympy():
    code = "import sys, symloss.losses; sys.exit('torch' in sys.modules or 'sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
