"""The user's face of a formula: an ``nn.Module`` called like ``torch.nn.CrossEntropyLoss``."""

from __future__ import annotations

import sympy
import torch
from torch import Tensor, nn

from symloss.codegen.checks import check_indices, check_logits, check_probabilities
from symloss.codegen.evaluate import compile_tree
from symloss.codegen.split import hard_forms, soft_form
from symloss.codegen.stable import hide_target, log_odds, target_log_odds
from symloss.errors import SymlossError, unknown
from symloss.formula import Formula, parse_formula, to_text
from symloss.symbolic import from_sympy

REDUCTIONS = ("mean", "sum", "none")
CLASS_REDUCTIONS = ("sum", "mean")


class Loss(nn.Module):
    """A class-wise loss on a softmax output, from its formula.

    The loss of a sample is the sum (or mean) over classes of L(p_c, y_c), with p the softmax of the logits.
    With class indices only two functions of p are computed, L(p, 1) on the true class and L(p, 0) on the
    others, in forms that stay accurate in float32 when probabilities underflow. Half-precision logits are
    computed in float32.

    Args:
        expression: the formula in ``y_pred`` and ``y_true``, as text, tree or SymPy expression.
        class_reduction: ``"sum"`` (as cross-entropy) or ``"mean"`` over classes (as NGL was published).
        reduction: ``"mean"`` or ``"sum"`` over samples and positions, or ``"none"``.

    Shape:
        - logits: ``[N, C]``, ``[C]`` or ``[N, C, d1, ...]``, floating point, C >= 2.
        - target: class indices ``[N]``, ``[]`` or ``[N, d1, ...]``; or probabilities, shaped like logits.
        - output: a scalar, or shaped like class indices if ``reduction="none"``.

    Raises:
        SymlossError: no formula, an unknown option, or a formula without a finite value at label 0 or 1.

    Example:
        >>> criterion = Loss("-y_true*log(y_pred)")
        >>> criterion(torch.zeros(8, 10), torch.arange(8)).item()  # doctest: +ELLIPSIS
        2.302...
    """

    def __init__(
        self,
        expression: str | Formula | sympy.Expr,
        *,
        class_reduction: str = "sum",
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        if class_reduction not in CLASS_REDUCTIONS:
            raise SymlossError(unknown("class_reduction", str(class_reduction), CLASS_REDUCTIONS))
        if reduction not in REDUCTIONS:
            raise SymlossError(unknown("reduction", str(reduction), REDUCTIONS))
        formula = as_formula(expression)
        self.expression = to_text(formula)
        self.class_reduction = class_reduction
        self.reduction = reduction
        self._true, self._other = map(compile_tree, hard_forms(formula))
        self._soft = compile_tree(soft_form(formula))

    @property
    def formula(self) -> Formula:
        """The formula as a tree."""
        return parse_formula(self.expression)

    def extra_repr(self) -> str:
        """Return the formula and options for ``repr``."""
        return f"{self.expression!r}, class_reduction={self.class_reduction!r}, reduction={self.reduction!r}"

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss.

        Raises:
            SymlossError: a shape or type that does not fit, or a label outside its range (looked at on the
                CPU alone: elsewhere it would stall the device, which reports a bad index itself).
        """
        check_logits(logits)
        if logits.dtype in (torch.float16, torch.bfloat16):
            logits = logits.float()
        dim = 0 if logits.dim() == 1 else 1
        classes = logits.shape[dim]
        if target.is_floating_point():
            check_probabilities(logits, target)
            loss = self._soft_labels(logits, target.to(logits.dtype), dim)
        else:
            check_indices(logits, target, dim)
            loss = self._class_indices(logits, target.long().unsqueeze(dim), dim)
        if self.class_reduction == "mean":
            loss = loss / classes
        if self.reduction == "none":
            return loss
        return loss.mean() if self.reduction == "mean" else loss.sum()

    def _class_indices(self, logits: Tensor, target: Tensor, dim: int) -> Tensor:
        """Return the sum over classes for class indices with size 1 in ``dim``."""
        classes = logits.shape[dim]
        if self._other.constant is not None:
            true = self._true(target_log_odds(logits, target, dim))
            return true.squeeze(dim) + (classes - 1) * self._other.constant
        odds = log_odds(logits, dim)
        true = self._true(odds.gather(dim, target))
        other = self._other(hide_target(odds, target, dim)).scatter(dim, target, 0.0)
        return true.squeeze(dim) + other.sum(dim)

    def _soft_labels(self, logits: Tensor, target: Tensor, dim: int) -> Tensor:
        """Return the sum over classes for class probabilities."""
        return self._soft(log_odds(logits, dim), target).sum(dim)


def as_formula(expression: str | Formula | sympy.Expr) -> Formula:
    """Return the formula of a text, tree or SymPy expression.

    Raises:
        SymlossError: none of these, outside the whitelist, or a grammar's template with holes.
    """
    if isinstance(expression, str):
        return parse_formula(expression)
    if isinstance(expression, sympy.Basic):
        return from_sympy(expression)
    if not isinstance(expression, Formula):
        kind = type(expression).__name__
        raise SymlossError(f"a loss needs a formula as text, Formula or SymPy expression, got {kind}")
    if any(node.op == "hole" for node in expression.walk()):
        raise SymlossError(f"{to_text(expression)} is a grammar's template; fill its nonterminals first")
    return expression
