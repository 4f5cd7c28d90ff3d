"""The user's face of a formula: an ``nn.Module`` called like ``torch.nn.CrossEntropyLoss``."""

from __future__ import annotations

from typing import NamedTuple

import sympy
from torch import Tensor

from symloss.codegen.evaluate import compile_tree
from symloss.codegen.kernel import ClassWiseLoss, Curves
from symloss.codegen.response import response_form
from symloss.codegen.rewrite import has_pole
from symloss.codegen.split import hard_forms, label_form, soft_form
from symloss.errors import SymlossError
from symloss.formula import Formula, parse_formula, to_text
from symloss.formula.fold import number
from symloss.symbolic import from_sympy


class Loss(ClassWiseLoss):
    """A class-wise loss from its formula.

    The loss of a sample is the sum (or mean) over classes of w_c * L(p_c, y_c), with p the softmax of the logits and y
    the labels; for cross-entropy's formula it is what ``torch.nn.CrossEntropyLoss`` has for the same options. Value and
    gradient are computed together, the gradient from the formula's symbolic derivative, in forms that stay accurate in
    float32 when probabilities underflow. With class indices no one-hot target is made: L(p, 1) is evaluated once a
    sample, L(p, 0) once a class. Gradients of gradients, forward mode and the transforms of ``torch.func`` take a
    slower way, through autograd.

    Args:
        expression: the formula in ``y_pred`` and ``y_true``, as text, tree or SymPy expression.
        output: ``"softmax"``, or ``"sigmoid"`` where each logit is a yes or no of its own.
        class_reduction: ``"sum"`` (as cross-entropy) or ``"mean"`` over classes (as NGL was published).
        weight: ``[C]``, the factor of each class's term; it moves with the module and is in its state.
        ignore_index: the class index (or 0/1 label) of samples that do not count.
        reduction: ``"mean"`` or ``"sum"`` over samples and positions, or ``"none"``. With class indices the mean is
            divided by the sum of the weights of the true classes, else by the number of samples that count.
        label_smoothing: from 0 to 1: labels become ``y*(1 - s) + s/C``, or ``s/2`` instead of ``s/C`` on a sigmoid.

    Shape:
        - logits: ``[C]``, ``[N, C]`` or ``[N, C, d1, ...]``, floating point, C >= 2. Half precision is computed in
          float32 and has a float32 loss.
        - target: class indices ``[]``, ``[N]`` or ``[N, d1, ...]``, any integer type; or probabilities, shaped like
          logits.
        - output: a scalar, or shaped like class indices if ``reduction="none"``.

        On a sigmoid a target of class indices means one class against the rest, summed over classes as above. A target
        shaped like the logits (floats in [0, 1], 0/1 integers or bools) makes every element a loss of its own, as
        ``torch.nn.BCEWithLogitsLoss`` has it: logits of any shape, the mean over all elements, ``class_reduction``
        without effect.

    Raises:
        SymlossError: no formula, a bad option, or a formula without a finite value at label 0 or 1.

    Example:
        >>> criterion = Loss("-y_true*log(y_pred)")
        >>> criterion(torch.zeros(8, 10), torch.arange(8)).item()  # doctest: +ELLIPSIS
        2.302...
    """

    def __init__(
        self,
        expression: str | Formula | sympy.Expr,
        *,
        output: str = "softmax",
        class_reduction: str = "sum",
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        formula = as_formula(expression)
        super().__init__(
            curves_of(formula, output),
            output=output,
            class_reduction=class_reduction,
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
            label_smoothing=label_smoothing,
        )
        self.expression = to_text(formula)

    @property
    def formula(self) -> Formula:
        """The formula as a tree."""
        return parse_formula(self.expression)

    def extra_repr(self) -> str:
        """Return the formula and options for ``repr``."""
        return f"{self.expression!r}, {super().extra_repr()}"


class Trees(NamedTuple):
    """The functions of one class that a loss is computed from, in accurate forms.

    Attributes:
        true, other, any: L(p, 1), L(p, 0) and L(p, y).
        other_constant: L(p, 0) if it is one number.
        folded: see :class:`Curves`.
        positive, log_q: see :class:`Curves`.
    """

    true: Formula
    other: Formula
    any: Formula
    other_constant: float | None
    folded: tuple[Formula, float] | None
    positive: bool
    log_q: bool


def trees_of(formula: Formula) -> Trees:
    """Return what a loss is computed from.

    Raises:
        SymlossError: the formula has no finite value at a label.
    """
    true, other, anything = label_form(formula, 1), label_form(formula, 0), soft_form(formula)
    folded_true, folded_other = hard_forms(formula)
    folded = None
    if folded_other.op == "const" and other.op != "const":
        folded = folded_true, number(folded_other)
    trees = [true, other, anything, folded_true]
    used = {node.op for tree in trees for node in tree.walk()}
    positive = any(map(has_pole, [*trees, *map(response_form, trees)]))
    other_constant = number(other) if other.op == "const" else None
    log_q = not used.isdisjoint(("log_q", "log_odds", "near_log_q"))
    return Trees(true, other, anything, other_constant, folded, positive, log_q)


def curves_of(formula: Formula, output: str = "softmax") -> Curves:
    """Return a loss as functions on tensors, each with its response, or on a sigmoid with its slope in the logit.

    Raises:
        SymlossError: the formula has no finite value at a label.
    """
    trees, sigmoid = trees_of(formula), output == "sigmoid"
    return Curves(
        compile_tree(trees.true, sigmoid),
        compile_tree(trees.other, sigmoid) if trees.other_constant is None else trees.other_constant,
        compile_tree(trees.any, sigmoid),
        None if trees.folded is None else (compile_tree(trees.folded[0]), trees.folded[1]),
        trees.positive,
        trees.log_q,
    )


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
