"""The node type of formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache

LEAVES = ("y_pred", "y_true", "const", "hole")

#: The constants of ``HAS_CONST`` are those other than 1, which grammars write into their rules.
HAS_PRED, HAS_TRUE, HAS_CONST = 1, 2, 4
_KINDS = {"y_pred": HAS_PRED, "y_true": HAS_TRUE, "const": HAS_CONST}


class Formula:
    """An immutable expression tree, equal to another exactly when both are written the same.

    Attributes:
        op: ``"y_pred"``, ``"y_true"``, ``"const"``, ``"hole"`` (a place in a grammar's template), an operator name of
            :data:`~symloss.formula.OPERATORS` or a function name of :data:`~symloss.formula.FUNCTIONS`.
        args: the arguments, in order.
        value: the number of a ``const``, or the nonterminal's name of a ``hole``; otherwise ``None``.
        size: the number of nodes, leaves included.
        depth: the number of levels; a leaf has depth 1.
        leaves: which kinds of leaves it has: the sum of :data:`HAS_PRED`, :data:`HAS_TRUE` and :data:`HAS_CONST`.
    """

    __slots__ = ("_hash", "args", "depth", "leaves", "op", "size", "value")

    op: str
    args: tuple[Formula, ...]
    value: float | str | None
    size: int
    depth: int
    leaves: int

    def __init__(self, op: str, args: tuple[Formula, ...] = (), value: float | str | None = None) -> None:
        self.op = op
        self.args = args
        self.value = value
        size, depth = 1, 0
        leaves = 0 if args or value == 1.0 else _KINDS.get(op, 0)
        for arg in args:
            size += arg.size
            leaves |= arg.leaves
            if arg.depth > depth:
                depth = arg.depth
        self.size = size
        self.leaves = leaves
        self.depth = depth + 1
        self._hash = hash((op, args, value))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Formula):
            return NotImplemented
        return (
            self._hash == other._hash and self.op == other.op and self.value == other.value and self.args == other.args
        )

    def __reduce__(self) -> tuple[Callable[..., Formula], tuple[object, ...]]:
        # Built anew, since the hash of a text differs from process to process.
        return Formula, (self.op, self.args, self.value)

    def __repr__(self) -> str:
        from symloss.formula.writer import to_text

        return f"Formula({to_text(self)!r})"

    def walk(self) -> Iterator[Formula]:
        """Yield every node, parents before children."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.args))


Y_PRED = Formula("y_pred")
Y_TRUE = Formula("y_true")


def constant(value: float) -> Formula:
    """Return the leaf of a number. Its exact value is the shortest decimal that prints it (see :func:`exact`)."""
    return Formula("const", (), float(value) + 0.0)


def hole(name: str) -> Formula:
    """Return a leaf that a derivation fills with a formula of the nonterminal ``name``."""
    return Formula("hole", (), name)


def call(op: str, *args: Formula) -> Formula:
    """Return the node that applies ``op`` to ``args``."""
    return Formula(op, args)


@lru_cache(maxsize=4096)
def exact(value: float) -> Fraction:
    """Return the number that a constant stands for: the decimal its shortest representation writes, exactly."""
    return Fraction(repr(value))
