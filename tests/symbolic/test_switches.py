"""Where losses switch branches, found to 30 digits and told from switches without effect."""

from fractions import Fraction

import pytest

from symloss.formula import parse_formula
from symloss.symbolic.switches import Switch, plain_forms, switch_points


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("-y_true*log(y_pred)", []),
        ("abs(y_true - y_pred)", []),
        ("y_true*max(y_pred, 0.95)", [0.95]),
        ("y_true*abs(y_pred - 0.5)", [0.5]),  # on the seam of cells
        ("max(y_pred, 0.3) + min(y_pred, 0.3) + y_true*y_pred", []),
        ("abs(y_pred - 0.3) - abs(0.3 - y_pred) + y_true*y_pred**2", []),
        ("y_true*relu(y_pred - 0.3)**2", [0.3]),
        ("relu(y_true*0.25 - y_pred) + relu(y_pred - 0.75)", [0.25, 0.75]),
        ("sign(y_pred - 0.2)*y_pred", [0.2]),
        ("y_true*abs(2*y_pred - 1)*abs(3*y_pred - 1)", [1 / 3, 0.5]),
    ],
)
def test_places_by_hand(text, places):
    assert [float(switch.p) for switch in switch_points(plain_forms(parse_formula(text)))] == pytest.approx(
        places, abs=1e-15
    )


def test_a_place_is_known_to_thirty_digits():
    (switch,) = switch_points(plain_forms(parse_formula("y_true*max(3*y_pred, 1)")))
    assert abs(switch.p - Fraction(1, 3)) < Fraction(1, 10**29)


@pytest.mark.parametrize(("text", "side"), [("y_true*max(y_pred, 3e-25)", 0), ("y_true*relu((1 - y_pred) - 3e-25)", 1)])
def test_close_to_an_end_too(text, side):
    (switch,) = switch_points(plain_forms(parse_formula(text)))
    assert switch.side == side
    assert float(switch.distance) == pytest.approx(3e-25)


@pytest.mark.parametrize(
    "text", ["y_true*max(y_pred, exp(log(y_pred)))", "y_true*min(y_pred, tanh(y_pred))", "max(max(y_true, y_pred), 0)"]
)
def test_equal_or_touching_arguments_do_not_switch(text):
    assert switch_points(plain_forms(parse_formula(text))) == ()


def test_too_many_switches_are_not_told():
    assert switch_points(plain_forms(parse_formula("y_true*abs(sin(3000*y_pred))"))) is None


def test_names_are_written_by_the_distance_from_the_end():
    assert Switch(0, Fraction(1, 300)).text(5) == "0:333333e-3"
    assert Switch(1, Fraction(1, 2)).text(5) == Switch(0, Fraction(1, 2)).text(5) == "1/2"
    assert Switch(0, Fraction(1, 10**20)).agrees(Switch(0, Fraction(1, 10**20) + Fraction(1, 10**50)))
    assert not Switch(0, Fraction(1, 10**20)).agrees(Switch(0, Fraction(1, 10**20) + Fraction(1, 10**40)))
    assert not Switch(0, Fraction(1, 10)).agrees(Switch(1, Fraction(1, 10)))
