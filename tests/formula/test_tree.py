"""Formulas as values: equality, measures, and the way into another process."""

import copy
import os
import pickle
import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symloss.formula import Y_PRED, call, constant, exact, hole, parse_formula

READ = """
import pickle, sys
from symloss.formula import parse_formula
formula, known = pickle.load(sys.stdin.buffer), parse_formula(sys.argv[1])
print(formula == known, hash(formula) == hash(known), formula in {known}, hash("y_pred"))
"""


def test_a_pickle_is_equal_under_another_hash_seed():
    text = "exp(2.4092 - y_pred*(1 + y_true))"
    outputs = []
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", READ, text],
            input=pickle.dumps(parse_formula(text)),
            capture_output=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        )
        outputs.append(done.stdout.decode().split())
    assert [output[:3] for output in outputs] == [["True"] * 3] * 2
    assert outputs[0][3] != outputs[1][3]  # the seeds did differ


@given(data=st.data())
def test_copies_are_equal(formulas, data):
    formula = data.draw(formulas)
    for twin in (copy.deepcopy(formula), pickle.loads(pickle.dumps(formula))):
        assert twin == formula
        assert hash(twin) == hash(formula)
        assert (twin.size, twin.depth) == (formula.size, formula.depth)


@given(data=st.data())
def test_size_and_depth_count_the_nodes(formulas, data):
    formula = data.draw(formulas)

    def depth(node):
        return 1 + max(map(depth, node.args), default=0)

    assert formula.size == len(list(formula.walk()))
    assert formula.depth == depth(formula)


def test_documented_measures():
    formula = parse_formula("-y_true*log(y_pred)")
    assert (formula.size, formula.depth) == (5, 3)


def test_equality_is_of_structure():
    assert parse_formula("y_pred + y_true") != parse_formula("y_true + y_pred")
    assert constant(0.0) == constant(-0.0)
    assert constant(1.0) != constant(1.0 + 2**-52)
    assert hole("a") != hole("b")
    assert Y_PRED != "y_pred"


@pytest.mark.parametrize(
    ("value", "number"),
    [(0.1, Fraction(1, 10)), (2.4092, Fraction(24092, 10**4)), (1e-7, Fraction(1, 10**7)), (3.0, Fraction(3))],
)
def test_constants_stand_for_the_decimals_they_print(value, number):
    assert exact(value) == number


def test_repr_is_readable():
    assert repr(call("mul", constant(2.0), Y_PRED)) == "Formula('2*y_pred')"
