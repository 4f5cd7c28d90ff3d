"""A candidate before the screens, and what makes one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symloss.grammar import Derivation

#: The origin of what is drawn from the grammar without parents.
FRESH = "draw"


@dataclass(frozen=True)
class Draw:
    """A candidate before the screens.

    Attributes:
        derivation: its genotype.
        origin: how it was made.
        parents: the ids it was made from.
    """

    derivation: Derivation
    origin: str
    parents: tuple[str, ...] = ()


#: Makes draw number 0, 1, 2, ... of a generation, each from its number alone.
Breeder = Callable[[int], Draw]
