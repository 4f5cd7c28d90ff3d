"""The catalogue: names, papers, texts and parameters."""

import pickle
import subprocess
import sys

import pytest

from symloss import losses
from symloss.errors import SymlossError
from symloss.formula import FUNCTIONS, at_label, parse_formula, to_text
from symloss.losses import ALIASES, CATALOGUE, find, formula_alone, is_name, split_names, title
from symloss.losses.entry import CatalogueLoss, Paper, Parameter, Part
from symloss.losses.template import fill
from symloss.symbolic import loss_id, to_latex

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


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("focal(gamma=1)", "focal", {"gamma": 1.0}),
        (" generalized_ce ( q = .5 ) ", "gce", {"q": 0.5}),
        ("sce(A=-2e0,alpha=1)", "sce", {"A": -2.0, "alpha": 1.0, "beta": 1.0}),
        ("label_smoothed_ce(label_smoothing=0.2)", "label_smoothed_ce", {"label_smoothing": 0.2}),
        ("nce_rce(beta=+0.5)", "nce_rce", {"alpha": 1.0, "beta": 0.5, "A": find("nce_rce").values["A"]}),
        ("taylor_ce(order=3)", "taylor_ce", {"order": 3.0}),
        ("ce()", "ce", {}),
    ],
)
def test_parameters_stand_behind_the_name(text, name, values):
    loss = find(text)
    assert (loss.name, loss.values) == (name, values)
    assert loss == find(name).with_parameters(**values)
    assert find(title(loss)) == loss
    assert type(losses.get(text)) is type(losses.get(name))
    assert is_name(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("focal(1)", "cannot read the parameter '1' of focal; write name=number; it has gamma=2"),
        ("focal(gamma=)", "cannot read the parameter 'gamma=' of focal"),
        ("focal(gamma=1,)", "cannot read the parameter '' of focal"),
        ("focal(gamma=2*3)", r"cannot read the parameter 'gamma=2\*3'"),
        ("focal(gamma=inf)", "cannot read the parameter 'gamma=inf'"),
        ("focal(gamma=__import__('os').abort())", "cannot read the parameter"),
        ("focal(gamma=1, gamma=1)", "the parameter 'gamma' of focal is given twice"),
        ("focal(gama=1)", r"unknown parameter of focal 'gama'; known: gamma; did you mean 'gamma'\?"),
        ("focal(gamma=1e999)", "gamma of focal is inf; it must be a number from 0 to 10"),
        ("taylor_ce(order=1.5)", "it must be a whole number from 1 to 50"),
        ("label_smoothed_ce(label_smoothing=2)", "label_smoothing of label_smoothed_ce is 2.0"),
        ("ce(gamma=1)", "ce has no parameters, but 'gamma' was given; drop it"),
        ("ce(1)", "cannot read the parameter '1' of ce; write name=number; it has none"),
        ("focall(gamma=1)", r"unknown loss 'focall'; known: .*; did you mean 'focal'\?"),
        ("symmetric_c", r"unknown loss 'symmetric_c'; known: .*; did you mean 'symmetric_ce'\?"),
        ("focal(gamma=1", "unknown loss"),
        ("", "unknown loss ''"),
    ],
)
def test_parameters_are_read_strictly(text, message):
    with pytest.raises(SymlossError, match=message):
        find(text)


def test_names_are_told_from_formulas():
    assert not {*CATALOGUE, *ALIASES} & {*FUNCTIONS, "y_pred", "y_true"}
    for name in ("ce", "cee", "focal-loss", "focal(2)", "focall(gamma=1)", "ce(y_pred)"):
        assert is_name(name), name
    for formula in (
        "y_pred",
        "y_pred-y_true",
        "y_true*log(y_pred)",
        "exp(y_pred)",
        "expp(y_pred)",
        "exp(a=y_pred)",
        "1",
    ):
        assert not is_name(formula), formula


def test_commas_inside_parentheses_do_not_separate_names():
    assert split_names("ce, sce(alpha=1, beta=2),nce(alpha=3) ,mae") == [
        "ce",
        "sce(alpha=1, beta=2)",
        "nce(alpha=3)",
        "mae",
    ]


def test_the_title_has_what_is_not_as_published():
    assert title(find("sce")) == "sce"
    assert title(find("sce(beta=1, alpha=0.5)")) == "sce(alpha=0.5)"
    own = CatalogueLoss("own", "-gamma*y_pred", find("ce").paper, "never", parameters={"gamma": _one()})
    assert title(own.with_parameters(gamma=2.0)) == "own"


def test_ids_are_content():
    ids = {loss.name: loss.id for loss in LOSSES}
    for loss in LOSSES:
        if loss.plain:
            assert loss.id == loss_id(loss.formula)
        assert loss.id.startswith("loss-") != loss.plain
    assert [(name, other) for name in ids for other in ids if ids[name] == ids[other] and name < other] == [
        ("mae", "rce")  # one loss but for a factor
    ]
    assert find("nce_rce(beta=2)").id != find("nce_rce").id == find("nce_rce").id
    assert find("label_smoothed_ce(label_smoothing=0.2)").id != find("label_smoothed_ce").id
    assert find("label_smoothed_ce(label_smoothing=0)").id == find("ce").id
    assert find("savage").text == find("brier").text
    assert find("savage").id != find("brier").id


def test_the_size_counts_the_nodes_of_all_formulas():
    assert find("ce").size == 5
    assert find("nce").size == 5
    assert find("nce_mae").size == 5 + 5


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
    assert find("focal").plain_formula == find("focal").formula == formula_alone(find("focal"))
    assert formula_alone(find("ce").formula) == find("ce").formula
    assert find("label_smoothed_ce(label_smoothing=0)").plain
    assert {loss.name for loss in LOSSES if loss.plain} >= set(TEXTS)
    for name, reason in {
        "nce_rce": "nce_rce couples the classes",
        "bce": "bce is a loss on a sigmoid output",
        "label_smoothed_ce": r"label_smoothed_ce is more than its formula: it is trained with label_smoothing=0\.1",
    }.items():
        assert not find(name).plain
        assert formula_alone(find(name)) is None
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
