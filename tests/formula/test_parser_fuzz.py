"""The parser takes any text: it gives a formula that is written as it was read, or says what is wrong, and soon."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symloss.errors import SymlossError
from symloss.formula import FUNCTIONS, FormulaError, at_label, parse_formula, to_text
from symloss.symbolic import response_curves, to_latex

TOKENS = [*FUNCTIONS, "y_pred", "y_true", "0", "1", "2.5", "1e30", "9" * 40, "1e400", "5e-324", "0x1F", "7j"]
TOKENS += ["+", "-", "*", "/", "**", "(", ")", ",", " ", "=", "if", "lambda:", "[", "]", ".", "'", "\0", "é", "\ud800"]

#: Of this process's CPU, on a slow machine; the bombs below take a hundredth.
HANG = 2.0

BOMBS = {
    "powers of powers": "9**9**9**9",
    "many powers": "**".join(["9"] * 5_000),
    "a million parentheses": "(" * 1_000_000 + "y_pred" + ")" * 1_000_000,
    "parentheses within the length": "(" * 4_990 + "y_pred" + ")" * 4_990,
    "parentheses without an end": "(" * 10_000,
    "minus signs": "-" * 9_990 + "y_pred",
    "nested calls": "exp(" * 2_000 + "y_pred" + ")" * 2_000,
    "a long sum": "+".join(["y_pred"] * 1_400),
    "a sum of a million": "+".join(["y_pred"] * 1_000_000),
    "brackets": "[" * 9_000,
    "nested f-strings": "f'{" * 3_000,
    "a long name": "x" * 9_999,
    "a longer name": "x" * 10_000_000,
    "a name that is nearly known": "y_pre" + "d" * 9_000,
    "digits": "9" * 9_999,
    "digits in base 16": "0x" + "f" * 9_990,
    "a huge exponent": "1e" + "9" * 9_000,
    "a null byte": "y_pred\0",
    "half a character": "y_pred + \ud800",
    "a text": "'" + "x" * 9_000 + "'",
    "a call": "__import__('os').system('true')",
    "attributes": "().__class__.__base__.__subclasses__()",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_at_once(name: str) -> None:
    begun = time.process_time()
    with pytest.raises(SymlossError) as caught:  # what is a formula has no finite value
        at_label(parse_formula(BOMBS[name]), 1)
    assert time.process_time() - begun < HANG
    assert len(str(caught.value)) < 1_000


def test_largest_formulas_are_used_in_time() -> None:
    begun = time.process_time()
    for text in (
        "+".join(["y_pred*y_true"] * 99),
        "exp(-" * 49 + "y_pred" + ")" * 49,
        f"y_pred*({'+'.join(['1e30'] * 90)})",
    ):
        formula = parse_formula(text)
        assert parse_formula(to_text(formula)) == formula
        to_latex(formula)
        with np.errstate(all="ignore"):
            response_curves(formula, np.array([0.1, 0.9]))
    assert time.process_time() - begun < HANG


@pytest.mark.parametrize(
    ("text", "written"),
    [("-(-0)", "0"), ("-(+5)", "-5"), ("1 - -(-0.0)", "1 - 0"), ("-(-5)", "-(-5)"), ("-1e-400", "0")],
)
def test_signs_of_numbers_are_written_as_they_are_read(text: str, written: str) -> None:
    formula = parse_formula(text)
    assert to_text(formula) == written
    assert parse_formula(written) == formula


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.lists(st.sampled_from(TOKENS), max_size=20).map("".join), st.text(max_size=40)))
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    try:
        formula = parse_formula(text)
    except FormulaError as error:
        if not 10 < len(str(error)) < 1_000:
            raise AssertionError("no message for a person") from error
        return
    assert parse_formula(to_text(formula)) == formula
    assert to_latex(formula)
    with np.errstate(all="ignore"):
        response_curves(formula, np.array([1e-6, 0.5]))
    for label in (0, 1):
        try:
            folded = at_label(formula, label)
        except SymlossError:
            continue
        assert parse_formula(to_text(folded)) == folded
