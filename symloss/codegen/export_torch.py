"""A formula as one Python file that needs torch and nothing else."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from symloss.codegen import stable
from symloss.codegen.loss import CLASS_REDUCTIONS
from symloss.codegen.operations import ALL
from symloss.codegen.split import hard_forms, soft_form
from symloss.errors import SymlossError, unknown
from symloss.formula import Formula, to_text
from symloss.formula.fold import number
from symloss.symbolic import to_latex

#: Functions of ``stable`` that formulas may call, by the name in their source templates.
_HELPERS: dict[str, Callable[..., object]] = {"softplus": stable.softplus, "sqrt": stable.sqrt, "power": stable.power}
_HELPERS |= {"expm1": stable.expm1, "maximum": stable.maximum, "minimum": stable.minimum}

_LEAF_NAMES = {"y_pred": "p", "y_true": "y", "q": "q", "log_p": "log_p", "log_q": "log_q"}


def export_torch(
    formula: Formula, *, name: str, provenance: dict[str, Any] | None = None, class_reduction: str = "sum"
) -> str:
    """Return the source of a module with one ``nn.Module``, called as ``criterion(logits, target)``.

    Args:
        formula: the loss of one class, L(p, y).
        name: what to call it; the class is named after it (``"my-loss"`` becomes ``MyLoss``).
        provenance: where it comes from (run, seed, scores, ...), printed in the docstring.
        class_reduction: ``"sum"`` or ``"mean"`` over classes.

    Raises:
        SymlossError: the name has no letter, or the formula has no finite value at a label.
    """
    if class_reduction not in CLASS_REDUCTIONS:
        raise SymlossError(unknown("class_reduction", str(class_reduction), CLASS_REDUCTIONS))
    true, other = hard_forms(formula)
    functions = [
        _function("true_class", _TRUE_DOC if other.op == "const" else "Return L(p, 1), for the true class.", true),
        _function("other_class", "Return L(p, 0), for any other class.", other),
        _function("any_class", "Return L(p, y), for a label y in [0, 1].", soft_form(formula), label="y: Tensor"),
    ]
    if other.op == "const":  # nothing to compute on the other classes, such as for cross-entropy
        del functions[1]
        used: list[Callable[..., object]] = [stable.log_odds, stable.target_log_odds]
        rest = "" if number(other) == 0 else f" + (classes - 1) * {number(other)!r}"
        by_index = _TRUE_CLASS_ONLY.format(rest=rest)
    else:
        used = [stable.log_odds, stable.hide_target]
        by_index = _EVERY_CLASS
    body = "\n\n\n".join(functions)
    used += [stable.from_log] if "from_log(" in body else []
    used += [helper for word, helper in _HELPERS.items() if re.search(rf"(?<![\w.]){word}\(", body)]
    parts = [
        _docstring(formula, name, provenance or {}),
        "from __future__ import annotations\n\nimport math\n\nimport torch\nfrom torch import Tensor, nn\n"
        "from torch.nn.functional import logsigmoid",
        *(inspect.getsource(helper).rstrip() for helper in used),
        body,
        _MODULE.format(name=class_name(name), class_reduction=class_reduction, by_index=by_index),
    ]
    return parts[0] + "\n\n" + "\n\n\n".join(parts[1:]) + "\n"


def class_name(name: str) -> str:
    """Return a Python class name for a loss's name, ending in ``Loss``.

    Raises:
        SymlossError: the name has no ASCII letter or digit.
    """
    words = re.findall(r"[A-Za-z0-9]+", name)
    if not words:
        raise SymlossError(f"{name!r} cannot name a class; use a name with letters, such as 'my_loss'")
    joined = "".join(word[0].upper() + word[1:] for word in words).removesuffix("Loss")
    return ("_" if joined[:1].isdigit() else "") + joined + "Loss"


def _docstring(formula: Formula, name: str, provenance: dict[str, Any]) -> str:
    lines = [
        f"{_plain(name)}: a loss for classification, written by symloss.",
        "",
        "For one class, with p its predicted probability and y its label:",
        "",
        f"    L(p, y) = {to_text(formula)}",
        f"    LaTeX:    {to_latex(formula)}",
    ]
    if provenance:
        lines += [
            "",
            "Provenance:",
            *(f"    {_plain(key)}: {_plain(value)}" for key, value in provenance.items()),
        ]
    return 'r"""' + "\n".join(lines) + '\n"""'


def _plain(value: object) -> str:
    """Return one line of text that cannot end a docstring."""
    return " ".join(str(value).split()).replace('"', "'")


def _function(name: str, doc: str, tree: Formula, label: str = "") -> str:
    leaves = {node.op for node in tree.walk() if not node.args}
    lines = []
    if leaves & {"y_pred", "log_p"}:
        lines.append("log_p = logsigmoid(log_odds)")
    if leaves & {"q", "log_q"}:
        lines.append("log_q = logsigmoid(-log_odds)  # q = 1 - p")
    lines += [f"{leaf} = from_log(log_{leaf})" for op, leaf in (("y_pred", "p"), ("q", "q")) if op in leaves]
    if leaves <= {"const"}:
        lines.append(f"return torch.full_like(log_odds, {number(tree)!r})")
    else:
        lines.append(f"return {_source(tree)[0]}")
    arguments = ", ".join(["log_odds: Tensor", *([label] if label else [])])
    return "\n".join([f"def {name}({arguments}) -> Tensor:", f'    """{doc}"""', *(f"    {line}" for line in lines)])


def _source(node: Formula) -> tuple[str, int]:
    """Return the Python source of a node and its binding strength."""
    if node.op == "const":
        value = number(node)
        return repr(value), 5 if value >= 0 else 3
    if not node.args:
        return _LEAF_NAMES[node.op], 5
    operation = ALL[node.op]
    parts = [_source(arg) for arg in node.args]
    if operation.strength == 5:
        return operation.source.format(*(text for text, _ in parts)), 5
    texts = []
    for place, (text, strength) in enumerate(parts):
        bare = strength > operation.strength or (strength == operation.strength and place == 0 and len(parts) == 2)
        texts.append(text if bare else f"({text})")
    return operation.source.format(*texts), operation.strength


_TRUE_DOC = "Return all terms that vary; they need the true class's probability alone."

_TRUE_CLASS_ONLY = """\
            loss = true_class(target_log_odds(logits, target, dim)).squeeze(dim){rest}"""

_EVERY_CLASS = """\
            odds = log_odds(logits, dim)
            others = other_class(hide_target(odds, target, dim)).scatter(dim, target, 0.0)
            loss = true_class(odds.gather(dim, target)).squeeze(dim) + others.sum(dim)"""

_MODULE = '''class {name}(nn.Module):
    """Softmax, then the loss summed or averaged over classes, then the reduction over samples.

    Args:
        reduction: "mean", "sum" or "none".
        class_reduction: "sum" or "mean".

    Shape:
        logits [C], [N, C] or [N, C, d1, ...]; target class indices [], [N] or [N, d1, ...], or floating-point
        class probabilities shaped like logits.
    """

    def __init__(self, reduction: str = "mean", class_reduction: str = "{class_reduction}") -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be mean, sum or none, got {{reduction!r}}")
        if class_reduction not in ("sum", "mean"):
            raise ValueError(f"class_reduction must be sum or mean, got {{class_reduction!r}}")
        self.reduction = reduction
        self.class_reduction = class_reduction

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        dim = 0 if logits.dim() == 1 else 1
        classes = logits.shape[dim]
        if logits.dtype in (torch.float16, torch.bfloat16):
            logits = logits.float()
        if target.is_floating_point():
            loss = any_class(log_odds(logits, dim), target.to(logits.dtype)).sum(dim)
        else:
            target = target.long().unsqueeze(dim)
{by_index}
        if self.class_reduction == "mean":
            loss = loss / classes
        if self.reduction == "none":
            return loss
        return loss.mean() if self.reduction == "mean" else loss.sum()'''
