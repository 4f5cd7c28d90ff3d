"""What a search says of itself: events that add up to what it found, and a progress that shows the best."""

from __future__ import annotations

from collections import Counter

import pytest

from symloss.events import Event
from symloss.grammar import load_grammar
from symloss.search import Found, MemoryJournal, Progress, Search, SearchConfig
from symloss.tasks import TaskConfig, load_task

TASK = TaskConfig(steps=20)
CONFIG = SearchConfig(
    seed=1, budget=12, generation_size=6, finalists=4, discovered=2, audit_seeds=2, last_seeds=10, repeats=1, tuning=0
)


class Heard:
    """A search's events, and its progress at the end."""

    def __init__(self, journal: MemoryJournal) -> None:
        self.events: list[Event] = []
        self.progress = Progress()
        search = Search(
            load_grammar("default"), load_task(TASK), CONFIG, journal, self.observe, listener=self.events.append
        )
        self.found: Found = search.run()

    def observe(self, progress: Progress) -> None:
        self.progress = progress

    def named(self, name: str) -> list[Event]:
        return [event for event in self.events if event.name == name]


@pytest.fixture(scope="module")
def heard() -> Heard:
    return Heard(MemoryJournal())


def test_draws_add_up(heard: Heard) -> None:
    drawn = heard.named("drawn")
    assert sum(event.fields["drawn"] for event in drawn) == heard.found.drawn
    assert sum(event.fields["candidates"] for event in drawn) == len(heard.found.candidates) == CONFIG.budget
    assert sum((Counter(event.fields["rejected"]) for event in drawn), Counter()) == +heard.found.rejected


def test_every_training_is_told(heard: Heard) -> None:
    counts: Counter[int] = Counter()
    for event in heard.named("rung"):
        counts[event.fields["rung"]] += event.fields["candidates"]
        assert event.fields["seconds"] >= 0
    assert counts == Counter(rung for candidate in heard.found.candidates for rung in candidate.scores)
    promoted = {
        (event.fields["rung"], loss["id"]) for event in heard.named("promoted") for loss in event.fields["losses"]
    }
    last = max(counts)
    climbed = {(rung, c.id) for c in heard.found.candidates for rung in c.scores if 0 < rung < last}
    assert promoted == climbed != set()
    assert heard.named("noise")[0].fields["std"] == heard.found.noise
    assert [event.fields["trained"] for event in heard.named("generation")] == [6, 12]


def test_the_last_new_best_leads(heard: Heard) -> None:
    best = heard.found.hall_of_fame[0]
    last = heard.named("best")[-1].fields
    assert (last["id"], last["score"], last["formula"]) == (best.id, best.score, best.expression)
    leaders = heard.progress.leaders
    assert (leaders[0].formula, leaders[0].score) == (best.expression, best.score)
    assert [leader.score for leader in leaders] == sorted((leader.score for leader in leaders), reverse=True)
    assert 1 < len(leaders) <= 5
    assert heard.progress.trained == 12
    assert heard.progress.trained_before == 0
    assert heard.progress.pace == pytest.approx(12 / heard.progress.own_seconds, rel=0.5)
