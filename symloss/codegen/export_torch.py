"""A formula as one Python file that needs torch and nothing else.

The file has the formula as three short functions, then a copy of what every class-wise loss shares (the package
``kernel``), then the module. So it does what :class:`symloss.Loss` does, as fast, with no symloss to install.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from symloss.codegen import stable
from symloss.codegen.export_source import curve_source
from symloss.codegen.kernel import autograd_path, coupled, fused, inputs, job, module, probabilities, softmax
from symloss.codegen.kernel.inputs import CLASS_REDUCTIONS, OUTPUTS
from symloss.codegen.loss import trees_of
from symloss.errors import SymlossError, unknown
from symloss.formula import Formula, to_text
from symloss.losses import Term
from symloss.symbolic import to_latex

#: The shared part, in an order in which each is defined before it is used at import.
_SHARED: list[ModuleType] = [inputs, probabilities, softmax, job, autograd_path, fused, module]

#: Functions of ``stable`` that the shared part calls.
_ALWAYS: list[Callable[..., Any]] = [stable.log_odds, stable.hide_target, stable.from_log]


def export_torch(
    formula: Formula,
    *,
    name: str,
    provenance: Mapping[str, Any] | None = None,
    class_reduction: str = "sum",
    output: str = "softmax",
    defaults: Mapping[str, float] | None = None,
) -> str:
    """Return the source of a file with one function and one ``nn.Module``, called as ``criterion(logits, target)``.

    Args:
        formula: the loss of one class, L(p, y).
        name: what to call it; the class is named after it (``"my-loss"`` becomes ``MyLoss``).
        provenance: where it comes from (run, seed, scores, ...), printed in the docstring.
        class_reduction: ``"sum"`` or ``"mean"`` over classes.
        output: ``"softmax"`` or ``"sigmoid"``.
        defaults: of the module's options; ``label_smoothing`` is the one that a loss may bring.

    Raises:
        SymlossError: the name has no letter, an unknown option, or the formula has no finite value at a label.
    """
    for option, value, known in (("class_reduction", class_reduction, CLASS_REDUCTIONS), ("output", output, OUTPUTS)):
        if value not in known:
            raise SymlossError(unknown(option, str(value), known))
    for option in defaults or {}:
        if option != "label_smoothing":
            raise SymlossError(unknown("default", option, ["label_smoothing"]))
    title = class_name(name)
    functions, curves = _curves(formula, output)
    module_source = _CLASS.format(
        name=title,
        function=function_name(title),
        class_reduction=class_reduction,
        output=output,
        shape=_SHAPES[output],
        curves=curves,
        smoothing=float((defaults or {}).get("label_smoothing", 0.0)),
    )
    head = _docstring(name, to_text(formula), to_latex(formula), provenance or {})
    return _file(head, functions, _SHARED, module_source)


def export_torch_coupled(terms: Sequence[Term], *, name: str, provenance: Mapping[str, Any] | None = None) -> str:
    """Return the same for a loss that couples classes; ``terms`` as :class:`symloss.codegen.CoupledLoss` has them.

    Raises:
        SymlossError: no terms, the name has no letter, or a formula has no finite value at a label.
    """
    if not terms:
        raise SymlossError("a coupled loss needs at least one term")
    title = class_name(name)
    functions, summands, texts, latex = "", [], [], []
    for number, term in enumerate(terms, 1):
        source, curves = _curves(term.formula, "softmax", f"_{number}")
        functions += ("\n\n\n" if functions else "") + source
        summands.append(f"                Summand({curves}, {term.weight!r}, {term.normalised}),")
        factor = "" if term.weight == 1 else f"{term.weight:g}*"
        texts.append(factor + f"{'N' if term.normalised else ''}({to_text(term.formula)})")
        latex.append(factor.replace("*", r"\,") + f"{'N' if term.normalised else ''}({to_latex(term.formula)})")
    module_source = _COUPLED_CLASS.format(name=title, function=function_name(title), summands="\n".join(summands))
    note = {"N(L)": "L divided by its sum over all labels that the sample might have"}
    head = _docstring(name, " + ".join(texts), " + ".join(latex), note | dict(provenance or {}))
    return _file(head, functions, [*_SHARED, coupled], module_source)


def _curves(formula: Formula, output: str, suffix: str = "") -> tuple[str, str]:
    """Return the source of a loss's functions, and the expression that joins them."""
    trees, sigmoid = trees_of(formula), output == "sigmoid"
    parts = [curve_source(f"true_class{suffix}", "L(p, 1), for the true class", trees.true, sigmoid)]
    if trees.other_constant is None:
        parts.append(curve_source(f"other_class{suffix}", "L(p, 0), for any other class", trees.other, sigmoid))
    parts.append(curve_source(f"any_class{suffix}", "L(p, y), for a label y in [0, 1]", trees.any, sigmoid))
    other = repr(trees.other_constant) if trees.other_constant is not None else f"other_class{suffix}"
    folded = ""
    if trees.folded is not None and not sigmoid:
        tree, constant = trees.folded
        parts.append(curve_source(f"folded_class{suffix}", "what all classes of a softmax add up to", tree))
        folded = f", folded=(folded_class{suffix}, {constant!r})"
    flags = f"positive={trees.positive}, log_q={trees.log_q}"
    joined = f"Curves(true_class{suffix}, {other}, any_class{suffix}{folded}, {flags})"
    return "\n\n\n".join(parts), joined


def _file(head: str, functions: str, shared: Sequence[ModuleType], module_source: str) -> str:
    helpers = [part for part in _helpers() if part in _ALWAYS or re.search(rf"(?<![\w.]){part.__name__}\(", functions)]
    parts = [
        head + "\n\n" + _IMPORTS,
        functions,
        _SHARED_TITLE,
        *(_plain_source(inspect.getsource(helper)) for helper in helpers),
        *(_stripped(part) for part in shared),
        module_source,
    ]
    return "\n\n\n".join(parts) + "\n"


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


def function_name(title: str) -> str:
    """Return the function's name that goes with a class name: ``"MyLoss"`` has ``"my_loss"``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", title).lower()


def _helpers() -> list[Callable[..., Any]]:
    functions = [value for _, value in inspect.getmembers(stable, inspect.isfunction)]
    return [function for function in functions if function.__module__ == stable.__name__]


def _stripped(part: ModuleType) -> str:
    """Return the source of a module of the shared part without its docstring and imports."""
    source = inspect.getsource(part)
    documentation = part.__doc__ or ""
    body = source[source.index(documentation) + len(documentation) + 3 :]
    body = re.sub(r"^from \S+ import \(\n(?:    .*\n)*\)\n", "", body, flags=re.MULTILINE)
    return _plain_source(re.sub(r"^(?:from|import) .*\n", "", body, flags=re.MULTILINE))


def _plain_source(source: str) -> str:
    source = re.sub(r"  # type: ignore\[[\w,-]+\]", "", source)
    source = re.sub(r":(?:class|func|mod):`(?:[\w.]*\.)?(\w+)`", r"``\1``", source)
    return source.replace("SymlossError", "ValueError").strip()


def _docstring(name: str, text: str, latex: str, provenance: Mapping[str, Any]) -> str:
    lines = [
        f"{_one_line(name)}: a loss for classification, written by symloss.",
        "",
        "For one class, with p its predicted probability and y its label:",
        "",
        f"    L(p, y) = {text}",
        f"    LaTeX:    {latex}",
    ]
    if provenance:
        lines += ["", "Provenance:"]
        lines += [f"    {_one_line(key)}: {_one_line(value)}" for key, value in provenance.items()]
    return 'r"""' + "\n".join(lines) + '\n"""'


def _one_line(value: object) -> str:
    """Return one line of text that cannot end a docstring."""
    return " ".join(str(value).split()).replace('"', "'")


_IMPORTS = """\
from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid"""

_SHARED_TITLE = """\
# What follows is the same for every loss: probabilities that stay accurate at both ends, value and gradient in one
# pass, and the conventions of torch.nn.CrossEntropyLoss."""

_SHAPES = {
    "softmax": """\
        logits [C], [N, C] or [N, C, d1, ...]; target class indices [], [N] or [N, d1, ...], or floating-point
        class probabilities shaped like logits.""",
    "sigmoid": """\
        each logit is a yes or no of its own. Target shaped like logits (labels from 0 to 1) for a loss of each element,
        as torch.nn.BCEWithLogitsLoss; or class indices for logits [N, C, ...], one class against the rest.""",
}

_CLASS = '''class {name}(ClassWiseLoss):
    """The loss as a module, with the options of torch.nn.CrossEntropyLoss.

    Args:
        weight: [C], the factor of each class's term.
        ignore_index: the class index of samples that do not count.
        reduction: "mean", "sum" or "none".
        label_smoothing: from 0 to 1.
        class_reduction: "sum" or "mean" over classes.

    Shape:
{shape}
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = {smoothing},
        class_reduction: str = "{class_reduction}",
    ) -> None:
        super().__init__(
            {curves},
            output="{output}",
            class_reduction=class_reduction,
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
            label_smoothing=label_smoothing,
        )


def {function}(logits: Tensor, target: Tensor, **options: Any) -> Tensor:
    """Return the loss; the options are those of ``{name}``."""
    loss: Tensor = {name}(**options)(logits, target)
    return loss'''


_COUPLED_CLASS = '''class {name}(SummedLoss):
    """The loss as a module, called as torch.nn.CrossEntropyLoss with class indices.

    Args:
        weight: [C], the factor of a sample by its true class.
        ignore_index: the class index of samples that do not count.
        reduction: "mean", "sum" or "none".
    """

    def __init__(self, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(
            [
{summands}
            ],
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
        )


def {function}(logits: Tensor, target: Tensor, **options: Any) -> Tensor:
    """Return the loss; the options are those of ``{name}``."""
    loss: Tensor = {name}(**options)(logits, target)
    return loss'''
