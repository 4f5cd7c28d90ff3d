"""The source of one curve of a loss: its value and response as readable torch expressions."""

from __future__ import annotations

from collections import Counter

from symloss.codegen.evaluate import LEAVES
from symloss.codegen.operations import ALL
from symloss.codegen.response import response_form, slope_form
from symloss.formula import Formula
from symloss.formula.fold import number

_SHORT_NAMES = "abcdefghijklmnoruvw"


def curve_source(name: str, what: str, tree: Formula, sigmoid: bool = False) -> str:
    """Return a function ``name(x, y, gradient)`` that returns the value and the response of a class.

    Parts that both need, or one needs twice, are computed once and named.

    Args:
        name: of the function.
        what: for its docstring.
        tree: the formula in an accurate form, from :mod:`symloss.codegen.split`.
        sigmoid: whether the slope in the logit is wanted in place of the response.
    """
    response = slope_form(tree) if sigmoid else response_form(tree)
    second = "its slope in the logit" if sigmoid else "p * dL/dp, which the gradient is made of"
    lines: list[str] = []
    known = dict.fromkeys(_repeated(tree, response), "")
    value_text = _expression(tree, known, lines)
    if tree.op in LEAVES:
        value_text += ".clone()"
    elif not _varies(tree):
        value_text = value_text if tree.op == "const" else f"torch.zeros_like(x.p) + ({value_text})"
    lines += [f"value = {value_text}", "if not gradient:", "    return value, None"]
    response_text = _expression(response, known, lines)
    # Each result is a tensor of its own, so that whoever called may overwrite it.
    if response == tree and response.op != "const":
        response_text = "value.clone()"
    elif response.op == "y_true":
        response_text = "torch.zeros_like(x.p) + y"
    elif response.op in LEAVES:
        response_text += ".clone()"
    lines.append(f"return value, {response_text}")
    return "\n".join(
        [
            f"def {name}(x: Any, y: Any = None, gradient: bool = True) -> tuple[Any, Any]:",
            f'    """Return {what}; and {second}."""',
            *(f"    {line}" for line in lines),
        ]
    )


def _varies(tree: Formula) -> bool:
    return any(node.op in LEAVES for node in tree.walk())


def _repeated(*trees: Formula) -> list[Formula]:
    """Return the parts, leaves included, that occur in more than one place."""
    counts: Counter[Formula] = Counter()

    def count(node: Formula) -> None:
        counts[node] += 1
        if counts[node] == 1:
            for arg in node.args:
                count(arg)

    for tree in trees:
        count(tree)
    return [node for node, times in counts.items() if (node.args and times > 1) or node.op in LEAVES]


def _expression(node: Formula, known: dict[Formula, str], lines: list[str]) -> str:
    return _source(node, known, lines)[0]


def _source(node: Formula, known: dict[Formula, str], lines: list[str]) -> tuple[str, int]:
    """Return the source of a node and its binding strength; named parts are first written as lines of their own."""
    if known.get(node):
        return known[node], 5
    text, strength = _written(node, known, lines)
    if node not in known:
        return text, strength
    if node.op in LEAVES:
        known[node] = LEAVES[node.op]
    else:
        taken = set(known.values())
        known[node] = next(name for name in _names() if name not in taken)
    lines.append(f"{known[node]} = {text}")
    return known[node], 5


def _names() -> list[str]:
    return [*_SHORT_NAMES, *(f"{letter}{number}" for number in range(1, 100) for letter in _SHORT_NAMES)]


def _written(node: Formula, known: dict[Formula, str], lines: list[str]) -> tuple[str, int]:
    if node.op == "const":
        value = number(node)
        return repr(value), 5 if value >= 0 else 3
    if node.op in LEAVES:
        return f"x.{LEAVES[node.op]}", 5
    if not node.args:
        return "y", 5
    operation = ALL[node.op]
    parts = [_source(arg, known, lines) for arg in node.args]
    if operation.strength == 5:
        return operation.source.format(*(text for text, _ in parts)), 5
    texts = []
    for place, (text, strength) in enumerate(parts):
        bare = strength > operation.strength or (strength == operation.strength and place == 0 and len(parts) == 2)
        texts.append(text if bare else f"({text})")
    return operation.source.format(*texts), operation.strength
