"""Grammars: a YAML file, validated, and the formulas it generates.

A :class:`Derivation` is a genotype. :class:`Sampler` draws them, :mod:`~symloss.grammar.vary` mutates and
crosses them, and both stay inside the grammar and its limits.
"""

from symloss.grammar.derivation import Derivation
from symloss.grammar.derive import derive
from symloss.grammar.errors import GrammarError
from symloss.grammar.grammar import Grammar, Limits
from symloss.grammar.production import Production
from symloss.grammar.sampler import Sampler
from symloss.grammar.shipped import load_grammar, shipped_grammars
from symloss.grammar.vary import crossover, mutate

__all__ = [
    "Derivation",
    "Grammar",
    "GrammarError",
    "Limits",
    "Production",
    "Sampler",
    "crossover",
    "derive",
    "load_grammar",
    "mutate",
    "shipped_grammars",
]
