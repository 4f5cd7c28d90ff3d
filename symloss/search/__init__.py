"""The search: candidates drawn from a grammar, screened, trained in rungs, selected and compared."""

from symloss.search.audit import Audit, Discovery, audit
from symloss.search.candidate import Candidate, best_first, hall_of_fame, pareto_front
from symloss.search.config import SearchConfig
from symloss.search.evolve import Found, Search
from symloss.search.journal import Generation, Journal, MemoryJournal, Rejection
from symloss.search.progress import Observer, Progress
from symloss.search.screening import LATE_SCREENS, SCREENS, Draw, Screening

__all__ = [
    "LATE_SCREENS",
    "SCREENS",
    "Audit",
    "Candidate",
    "Discovery",
    "Draw",
    "Found",
    "Generation",
    "Journal",
    "MemoryJournal",
    "Observer",
    "Progress",
    "Rejection",
    "Screening",
    "Search",
    "SearchConfig",
    "audit",
    "best_first",
    "hall_of_fame",
    "pareto_front",
]
