"""Small runs of experiments/quality/identity.py: exact rewrites keep a loss, and nothing else is merged."""

from itertools import islice
from random import Random

import mpmath
import pytest

from symloss.formula import parse_formula, to_text
from symloss.grammar import shipped_grammars
from symloss.symbolic import loss_id


@pytest.mark.parametrize("grammar", sorted(shipped_grammars()))
def test_rewritten_losses_are_recognised(scripts, grammar):
    done = scripts("identity").check_rewrites(grammar, 60, seed=1, confirm=False)
    assert done.total == 60
    assert [miss for miss in done.misses if "MISSED" in miss] == []


def test_the_rewrites_are_identities(scripts):
    rewrites, referee, identity = (scripts(name) for name in ("rewrites", "referee", "identity"))
    steps = set()
    for number, formula in enumerate(islice(identity.well_defined("default", 3), 40)):
        rng = Random(number)
        other, done = rewrites.rewrite(formula, rng, 5)
        steps.update(done)
        assert referee.differs(formula, other, rng) == "", (to_text(formula), to_text(other), done)
    assert len(steps) > 9


def test_the_referee_sees_each_freedom_and_nothing_else(scripts):
    differs = scripts("referee").differs
    ce = parse_formula("-y_true*log(y_pred)")
    assert differs(ce, parse_formula("7 + 3*y_pred - 0.2*y_true*log(y_pred) + cos(y_true)"), Random(0)) == ""
    for text in ("y_true*log(y_pred)", "y_pred*y_true - y_true*log(y_pred)", "-y_true*log(y_pred) + 1e-30*y_pred**2"):
        assert differs(ce, parse_formula(text), Random(0)) != "", text


@pytest.mark.parametrize("text", ["i0(3*y_pred - 1)", "i1e(1 - y_pred)", "y_pred**y_pred", "tan(y_pred)/(1 + y_pred)"])
def test_the_slopes_of_the_referee_are_derivatives(scripts, text):
    curves, formula = scripts("curves"), parse_formula(text)
    with mpmath.workdps(60):
        p = mpmath.mpf("0.61")
        slope = mpmath.diff(lambda x: curves.evaluate(formula, x, 1)[0], p)
        assert mpmath.almosteq(curves.response(formula, p, 1), p * slope, 1e-35)


def test_what_the_screens_merge_is_one_loss(scripts):
    result = scripts("identity").check_merges(sorted(shipped_grammars()), 1050, seed=4)
    assert result.merged > 10
    assert result.wrong == []


@pytest.mark.parametrize("number", range(30))
def test_near_misses_are_kept_apart(scripts, number):
    identity = scripts("identity")
    one, other = map(parse_formula, identity.NEAR_MISSES[number])
    assert loss_id(one) != loss_id(other)
    assert not identity.merged(one, other)
    assert not identity.merged(other, one)


def test_every_near_miss_is_tested(scripts):
    assert len(scripts("identity").NEAR_MISSES) == 30
