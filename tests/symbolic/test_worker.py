"""SymPy in a process that can be killed, and the canonical form."""

import json
import subprocess
import sys

import numpy as np
import pytest

from symloss.formula import parse_formula, to_text
from symloss.losses import CATALOGUE
from symloss.symbolic import canonical, displayed_form, loss_id, response_curves, simplify, worker
from symloss.symbolic.canonical import canonical_form


@pytest.fixture(autouse=True)
def _no_worker_is_left():
    yield
    worker._close()


def test_the_displayed_form_is_what_the_rules_find():
    formula = parse_formula("exp(log(y_pred))*y_pred - 2*y_true*y_pred + y_true*y_true")
    assert displayed_form(formula) == simplify(formula)
    assert displayed_form(formula).size < formula.size


def test_a_hang_costs_the_time_limit_and_no_more():
    formula = parse_formula("2*y_true*y_pred - 3*y_true*y_pred + 5")
    displayed_form(formula)
    first = worker._worker
    short = displayed_form(formula, seconds=0.0)
    assert worker._worker is None
    assert first._process.poll() is not None
    assert loss_id(short) == loss_id(formula)
    assert short.size <= formula.size
    assert displayed_form(formula) == simplify(formula)  # by a new process
    assert worker._worker is not first


def test_no_process_can_be_started(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("no more processes")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    formula = parse_formula("-y_true*y_true*log(y_pred)")
    assert to_text(displayed_form(formula)) == "-y_true*log(y_pred)"
    assert loss_id(canonical(formula)) == loss_id(formula)


def test_the_process_answers_every_request():
    requests = [
        ["simplify", "y_true*y_true*y_pred*2"],
        ["canonical", "log(y_true)*y_pred"],
        ["canonical", "-y_true*y_pred"],
    ]
    done = subprocess.run(
        [sys.executable, "-m", "symloss.symbolic.worker"],
        input="".join(json.dumps(request) + "\n" for request in requests),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert [json.loads(line) for line in done.stdout.splitlines()] == ["ready", "y_true*y_pred", None, "-y_true*y_pred"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abs(y_true - y_pred)", "-y_true*y_pred"),
        ("-3*y_true*log(y_pred) + 7*y_pred + exp(y_true)", "-y_true*log(y_pred)"),
        ("(y_true - y_pred)**2", "0.5*y_pred**2 - y_true*y_pred"),
        ("exp(2*log(y_pred)) - 2*y_pred*y_true + y_true**2", "0.5*y_pred**2 - y_true*y_pred"),
        ("-log(1 - y_true + y_true*y_pred)", "-y_true*log(y_pred)"),
        ("2 - y_pred", "0"),
    ],
)
def test_canonical_forms_by_hand(text, expected):
    assert to_text(canonical_form(parse_formula(text))) == expected


def test_under_a_sigmoid_a_multiple_of_p_stays():
    assert to_text(canonical_form(parse_formula("abs(y_true - y_pred)"), "sigmoid")) == "0.5*y_pred - y_true*y_pred"


@pytest.mark.parametrize("name", [name for name, loss in CATALOGUE.items() if loss.plain])
def test_the_canonical_form_is_the_same_loss(name):
    formula = CATALOGUE[name].plain_formula
    form = canonical_form(formula)
    # Dividing these by an irrational factor leaves constants of 16 digits.
    irrational = name in {"js", "ngl", "ngl_sigmoid"}
    assert (loss_id(form) == loss_id(formula)) == (not irrational)
    p = np.linspace(0.001, 0.999, 50)
    gaps = [np.subtract(*response_curves(one, p)) for one in (form, formula)]
    np.testing.assert_allclose(*(gap / np.abs(gap).max() for gap in gaps), rtol=0, atol=1e-13)
