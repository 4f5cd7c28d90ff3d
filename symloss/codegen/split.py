"""The two functions of p that a class-wise loss is with hard labels, in their accurate forms."""

from __future__ import annotations

from symloss.codegen.leaves import Q
from symloss.codegen.rewrite import affine, stabilise
from symloss.formula import Formula, at_label, call, constant, fold, to_text
from symloss.formula.fold import check_finite


def hard_forms(formula: Formula) -> tuple[Formula, Formula]:
    """Return ``(true, other)``, functions of p alone to sum over the true class and all others of a softmax.

    They are L(p, 1) and L(p, 0), except where L(p, 0) = a + b*p: the probabilities of the other classes sum
    to the true class's q = 1 - p, so their terms become ``b*q`` on the true class and a constant on the
    others. That computes one class instead of all, and spares a cancellation between them (MAE becomes
    ``2*q`` on the true class).

    Raises:
        SymlossError: a constant part has no finite value at a label, such as ``log(y_true)`` at 0.
    """
    true, other = label_form(formula, 1), label_form(formula, 0)
    line = affine(other)
    if line is None or line[1] == 0:
        return true, other
    intercept, slope = map(float, line)
    return stabilise(fold(call("add", true, call("mul", constant(slope), Q)))), constant(intercept)


def label_form(formula: Formula, label: int) -> Formula:
    """Return L(p, label), a function of p alone.

    Raises:
        SymlossError: a constant part has no finite value.
    """
    return _accurate(at_label(formula, label), f"{to_text(formula)} at y_true = {label}")


def soft_form(formula: Formula) -> Formula:
    """Return L(p, y) for labels anywhere in [0, 1].

    Raises:
        SymlossError: a constant part has no finite value.
    """
    return _accurate(fold(formula), to_text(formula))


def _accurate(folded: Formula, what: str) -> Formula:
    check_finite(folded, what)
    tree = stabilise(folded)
    check_finite(tree, what)  # again, since 1/(y_pred/y_pred - 1) shows its 1/0 only now
    return tree
