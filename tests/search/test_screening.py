"""Filling a generation."""

from __future__ import annotations

from symloss.formula import Formula, parse_formula
from symloss.grammar import Derivation, Sampler, load_grammar
from symloss.runtime import keyed_random
from symloss.search import SCREENS, Draw, Generation, Screening


def draws(*texts: str):
    """Return a draw function over formulas that need no grammar here; the rest repeats the last."""
    formulas = [parse_formula(text) for text in texts]

    def draw(index: int) -> Draw:
        formula: Formula = formulas[min(index, len(formulas) - 1)]
        return Draw(Derivation("expr", 0, (), None, formula), "draw")

    return draw


def fill(screening: Screening, places: int, *texts: str) -> Generation:
    screening.MAX_DRAWS = -(-len(texts) // places)  # type: ignore[misc]
    return screening.fill(0, places, draws(*texts), lambda generation: None)


def test_each_rejection_names_its_screen_and_reason() -> None:
    texts = [
        "log(y_pred)",
        "y_true*log(y_pred - 0.5)",
        "y_true/y_pred",
        "y_true*log(y_pred)",
        "-y_true*log(y_pred)",
        "-2*y_true*log(y_pred) + y_pred + 1",
    ]
    generation = fill(Screening(10), 6, *texts)
    assert [c.expression for c in generation.candidates] == ["-y_true*log(y_pred)"]
    found = {rejection.expression: rejection for rejection in generation.rejections}
    assert found["log(y_pred)"].screen == "dependence"
    assert found["y_true*log(y_pred - 0.5)"].screen == "finite"
    assert found["y_true/y_pred"].screen == "bounded"
    assert found["y_true*log(y_pred)"].screen == "null-epoch"
    assert found["-2*y_true*log(y_pred) + y_pred + 1"].screen == "duplicate"
    assert set(generation.rejected()) <= set(SCREENS)
    assert all(rejection.reason for rejection in generation.rejections)
    assert generation.drawn == len(texts)


def test_a_jump_is_not_resolved_by_the_table() -> None:
    generation = fill(Screening(10), 1, "-y_true*y_pred*(2 + sign(y_pred - 0.3))")
    assert [rejection.screen for rejection in generation.rejections] == ["unresolved"]
    assert [known.op for known in generation.known] == ["mul"]


def test_a_loss_that_turns_back_early_fails_on_free_logits() -> None:
    # It raises the true class from uniform p, and lowers it again above p = 0.12.
    generation = fill(Screening(10), 1, "y_true*square(y_pred - 0.12)")
    assert [rejection.screen for rejection in generation.rejections] == ["free-logits"]


def test_a_generation_is_filled_with_distinct_losses_and_no_more() -> None:
    sampler = Sampler(load_grammar("default"))

    def draw(index: int) -> Draw:
        derivation = sampler.sample(keyed_random("test", index))
        assert derivation is not None
        return Draw(derivation, "draw")

    generation = Screening(10).fill(0, 20, draw, lambda generation: None)
    assert len(generation.candidates) == len({c.id for c in generation.candidates}) == 20
    assert generation.drawn == 20 + len(generation.rejections)
    assert [c.index for c in generation.candidates] == sorted(c.index for c in generation.candidates)


def test_what_is_replayed_is_known() -> None:
    first = Screening(10)
    generation = fill(first, 2, "-y_true*log(y_pred)", "y_true*square(y_pred - 0.12)")
    assert len(generation.known) == 1
    second = Screening(10)
    second.replay(generation)
    again = fill(second, 2, "-3*y_true*log(y_pred)", "2*y_true*square(y_pred - 0.12)")
    assert [rejection.screen for rejection in again.rejections] == ["duplicate", "duplicate"]
