"""Strategies: which losses a search tries next. One conformance suite runs over all of them.

A new one is a class that follows :class:`Strategy` and an entry of :data:`STRATEGIES`.
"""

from __future__ import annotations

from symloss.search.strategies.base import Strategy
from symloss.search.strategies.cma import ConstantSearch, Tuning
from symloss.search.strategies.gp import GeneticProgramming
from symloss.search.strategies.random_search import RandomSearch
from symloss.search.strategies.regularized import RegularizedEvolution

#: Every strategy by its name in :class:`~symloss.search.SearchConfig`.
STRATEGIES: dict[str, type[Strategy]] = {
    "gp": GeneticProgramming,
    "regularized-evolution": RegularizedEvolution,
    "random": RandomSearch,
    "cmaes": ConstantSearch,
}

__all__ = ["STRATEGIES", "Strategy", "Tuning"]
