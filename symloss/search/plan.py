"""How much a search will train, as far as that is known: for its progress, and to end within a time limit."""

from __future__ import annotations

from symloss.fitness import Ladder
from symloss.search.config import SearchConfig


class Plan:
    """The work of a search, in networks x steps of the first task.

    Args:
        config: the search's settings.
        steps: the task's full budget.
        baselines: how many losses are trained on each rung besides candidates.
    """

    def __init__(self, config: SearchConfig, steps: int, baselines: int) -> None:
        self._config = config
        self._steps = steps
        self._baselines = baselines

    def whole(self, ladder: Ladder, beside: float, deviation: float, last_seeds: int) -> float:
        """Return the work of a search with its control and its final comparison.

        Args:
            ladder: the rungs.
            beside: the work of the trial and of anchors.
            deviation: of cross-entropy's score over seeds.
            last_seeds: of the last rung.
        """
        config = self._config
        trained = config.budget if config.budget is not None else config.size
        searched = ladder.cost(trained) + self._baselines * sum(rung.cost for rung in ladder.rungs)
        searched += self.final(deviation, last_seeds)
        searches = 1 if config.control == "none" else 2
        return searches * searched + config.noise_rung(self._steps).cost + beside + self.comparison

    def final(self, deviation: float, last_seeds: int) -> int:
        """Return the work that ranks the finalists; the arguments are those of :meth:`whole`."""
        config = self._config
        playoff = config.playoff(self._steps, deviation)
        more = 0 if playoff is None else (-(-config.finalists // 4) + self._baselines) * playoff.cost
        return (config.finalists + self._baselines) * self._steps * last_seeds + more

    @property
    def comparison(self) -> float:
        """The work of the final comparison."""
        config = self._config
        losses = config.discovered + len(set(config.baselines)) + (config.control != "none")
        return float(losses * config.audit_seeds * self._steps)
