"""The search: candidates drawn from a grammar, screened, trained in rungs, selected and compared."""

from symloss.search.audit import Audit, Discovery, TaskRows, audit
from symloss.search.candidate import Candidate, Scores, best_first, hall_of_fame, pareto_front
from symloss.search.config import CONTROLS, SearchConfig
from symloss.search.draw import Breeder, Draw
from symloss.search.evolve import Found, Search
from symloss.search.journal import Generation, Journal, MemoryJournal, Rejection
from symloss.search.merit import Merit
from symloss.search.progress import Leader, Observer, Progress
from symloss.search.screening import LATE_SCREENS, SCREENS, Screening
from symloss.search.strategies import STRATEGIES, Strategy, Tuning

__all__ = [
    "CONTROLS",
    "LATE_SCREENS",
    "SCREENS",
    "STRATEGIES",
    "Audit",
    "Breeder",
    "Candidate",
    "Discovery",
    "Draw",
    "Found",
    "Generation",
    "Journal",
    "Leader",
    "MemoryJournal",
    "Merit",
    "Observer",
    "Progress",
    "Rejection",
    "Scores",
    "Screening",
    "Search",
    "SearchConfig",
    "Strategy",
    "TaskRows",
    "Tuning",
    "audit",
    "best_first",
    "hall_of_fame",
    "pareto_front",
]
