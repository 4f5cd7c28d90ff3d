"""The properties of a loss, each proven where a proof exists and marked where it was measured instead.

The loss of a sample is the sum (or mean) over classes of L(p_c, y_c) with p a softmax and y one-hot. No property
depends on a constant, or on a multiple of p, added to L. Intervals and expansions prove (``signs``, ``ranges``);
polynomials in opaque parts show identities (``polynomial``); NumPy only finds witnesses, or numbers that are marked as
not exact.
"""

from __future__ import annotations

from collections.abc import Callable

from symloss.errors import SymlossError
from symloss.formula import Formula
from symloss.symbolic.analysis.calibration import classification_calibrated
from symloss.symbolic.analysis.convexity import convex_in_logits
from symloss.symbolic.analysis.lipschitz import bounded, lipschitz
from symloss.symbolic.analysis.one_hot import OneHot
from symloss.symbolic.analysis.proper import strictly_proper, symmetric
from symloss.symbolic.analysis.property import Property, unknown
from symloss.symbolic.analysis.pushes import (
    gradient_at_uniform,
    gradient_confidently_wrong,
    monotone,
    pull_at_one,
    taylor,
)

#: The properties by name, in the order of the table.
NAMES = (
    "strictly_proper",
    "classification_calibrated",
    "symmetric",
    "bounded",
    "lipschitz",
    "lipschitz_constant",
    "convex_in_logits",
    "monotone",
    "gradient_at_uniform",
    "gradient_confidently_wrong",
    "pull_at_one",
    "taylor_at_one",
)

#: What needs a loss that is finite and continuous inside (0, 1).
_QUESTIONS: dict[str, Callable[[OneHot], Property]] = {
    "strictly_proper": strictly_proper,
    "classification_calibrated": classification_calibrated,
    "symmetric": symmetric,
    "bounded": bounded,
    "convex_in_logits": convex_in_logits,
    "monotone": monotone,
}


def properties(formula: Formula, classes: int = 10, class_reduction: str = "sum") -> dict[str, Property]:
    """Return the properties of a loss by name (see :data:`NAMES`); their definitions are with each function.

    Args:
        formula: L(p, y) of one class.
        classes: C, the number of classes, at least 2.
        class_reduction: ``"sum"`` or ``"mean"`` over classes.

    Raises:
        SymlossError: fewer than two classes, or another reduction. A loss without finite values is no error: what
            cannot be said of it is ``"unknown"``.
    """
    if classes < 2:
        raise SymlossError(f"properties are for 2 or more classes, got {classes}")
    if class_reduction not in ("sum", "mean"):
        raise SymlossError(f"class_reduction must be 'sum' or 'mean', got {class_reduction!r}")
    try:
        loss = OneHot(formula, classes)
    except SymlossError as error:
        return dict.fromkeys(NAMES, unknown(str(error)))
    factor = 1.0 / classes if class_reduction == "mean" else 1.0
    found = {
        "gradient_at_uniform": gradient_at_uniform(formula, class_reduction, loss),
        "gradient_confidently_wrong": gradient_confidently_wrong(loss, factor),
        "pull_at_one": pull_at_one(loss, factor),
        "taylor_at_one": taylor(loss, factor),
    }
    if loss.defined.proven:
        found |= {name: ask(loss) for name, ask in _QUESTIONS.items()}
        found["lipschitz"], found["lipschitz_constant"] = lipschitz(loss, factor)
    else:
        witness = loss.defined.witness
        reason = "not shown to be finite and continuous inside (0, 1)" if witness is None else witness.reason
        found |= dict.fromkeys((*_QUESTIONS, "lipschitz", "lipschitz_constant"), unknown(reason))
    return {name: found[name] for name in NAMES}
