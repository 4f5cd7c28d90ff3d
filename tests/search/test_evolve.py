"""The search as a whole: reproducible, resumable, and honest about what it rejects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from symloss.formula import parse_formula
from symloss.grammar import load_grammar
from symloss.losses import find
from symloss.search import (
    Candidate,
    Found,
    Generation,
    MemoryJournal,
    Progress,
    Scores,
    Screening,
    Search,
    SearchConfig,
    audit,
    promise,
    rungs,
)
from symloss.search import config as settings
from symloss.symbolic import loss_id
from symloss.tasks import TaskConfig, load_task

TASK = TaskConfig(steps=30)
CONFIG = SearchConfig(
    seed=1, budget=20, generation_size=8, finalists=6, discovered=3, audit_seeds=3, last_seeds=10, repeats=1, tuning=0
)


class Killed(Exception):
    pass


class KeepingJournal(MemoryJournal):
    """A journal that outlives the search, and can raise at its n-th write as a kill would."""

    def __init__(self, dies_at: int | None = None) -> None:
        super().__init__()
        self.generations: dict[int, Generation] = {}
        self.writes = 0
        self.dies_at = dies_at

    def _write(self) -> None:
        self.writes += 1
        if self.writes == self.dies_at:
            raise Killed

    def load_generation(self, number: int) -> Generation | None:
        saved = self.generations.get(number)
        # As a database does: what was drawn comes back, scores do not.
        return saved and replace(saved, candidates=[replace(c, scores={}, merits={}) for c in saved.candidates])

    def save_generation(self, generation: Generation) -> None:
        self._write()
        self.generations[generation.number] = generation

    def save_scores(self, rung: int, scores: Mapping[str, Scores]) -> None:
        self._write()
        super().save_scores(rung, scores)


def search(journal: MemoryJournal, config: SearchConfig = CONFIG, seen: list[Any] | None = None) -> Found:
    def observe(progress: Progress) -> None:
        if seen is not None:
            seen.append((progress.phase, progress.trained, progress.work_done))

    return Search(load_grammar("default"), load_task(TASK), config, journal, observe).run()


def summary(found: Found) -> list[Any]:
    return [
        [(c.id, c.expression, c.scores, c.origin, c.parents) for c in found.hall_of_fame],
        [(c.id, c.scores) for c in found.candidates],
        found.drawn,
        found.rejected,
    ]


@pytest.fixture(scope="module")
def whole() -> Found:
    return search(MemoryJournal())


def test_the_budget_is_trained_and_everything_drawn_is_accounted_for(whole: Found) -> None:
    assert len(whole.candidates) == CONFIG.budget
    assert whole.drawn == CONFIG.budget + sum(whole.rejected.values())
    assert len({c.id for c in whole.candidates}) == CONFIG.budget
    assert all(len(c.scores[0][0][0]) == 1 for c in whole.candidates)
    assert {c.generation for c in whole.candidates} == {0, 1, 2}
    assert {c.origin for c in whole.candidates} == {"draw", "crossover", "mutation"}


def test_parents_are_candidates_of_earlier_generations(whole: Found) -> None:
    born = {c.id: c.generation for c in whole.candidates}
    for candidate in whole.candidates:
        assert len(candidate.parents) == {"draw": 0, "mutation": 1, "crossover": 2}[candidate.origin]
        assert all(born[parent] < candidate.generation for parent in candidate.parents)


def test_no_baseline_is_reported_as_a_discovery(whole: Found) -> None:
    ce = loss_id(parse_formula("-y_true*log(y_pred)"))
    assert ce not in {c.id for c in whole.candidates}


def test_the_hall_of_fame_has_one_loss_a_size_best_first(whole: Found) -> None:
    sizes = [c.size for c in whole.hall_of_fame]
    assert len(sizes) == len(set(sizes))
    assert [c.score for c in whole.hall_of_fame] == sorted((c.score for c in whole.hall_of_fame), reverse=True)
    assert all(len(c.scores[3][0][0]) == 10 for c in whole.hall_of_fame)


def test_after_a_playoff_its_order_stands() -> None:
    config = replace(CONFIG, last_seeds=None, finalists=8, budget=8)
    found = search(MemoryJournal(), config)
    assert found.noise > 0.01  # 30 steps of training leave much to chance
    assert found.last_seeds == 30
    met = [c for c in found.candidates if 4 in c.scores]
    assert len(met) == 2
    assert len({len(c.scores[4][0][0]) for c in met}) == 1
    assert found.hall_of_fame[0] in met
    assert found.hall_of_fame[0].score == max(c.score for c in met)


def test_the_same_seed_gives_the_same_result_and_another_does_not(whole: Found) -> None:
    assert summary(search(MemoryJournal())) == summary(whole)
    other = SearchConfig.from_dict(CONFIG.to_dict() | {"seed": 2, "budget": 8})
    assert {c.id for c in search(MemoryJournal(), other).candidates} != {c.id for c in whole.candidates[:8]}


@pytest.mark.parametrize("dies_at", [1, 2, 4, 6, 9, 13])
def test_a_search_killed_at_any_write_ends_like_an_uninterrupted_one(whole: Found, dies_at: int) -> None:
    journal = KeepingJournal(dies_at)
    with pytest.raises(Killed):
        search(journal)
    assert summary(search(journal)) == summary(whole)


@pytest.mark.parametrize("dies_at", [7, 11, 14, 16])
def test_so_does_one_that_stopped_at_a_plateau_and_tuned(dies_at: int) -> None:
    config = replace(CONFIG, budget=200, patience=1, tuning=0.06)
    expected = search(MemoryJournal(), config)
    assert expected.stopped == "plateau"
    assert "tuned" in {candidate.origin for candidate in expected.candidates}
    journal = KeepingJournal(dies_at)
    with pytest.raises(Killed):
        search(journal, config)
    assert summary(search(journal, config)) == summary(expected)


@pytest.mark.parametrize("dies_at", [8, 12, 15])
def test_so_does_one_whose_candidates_climb_by_promise(dies_at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counted(candidates: Sequence[Candidate], rung: int, *rest: Any) -> dict[str, float] | None:
        found = promise.promises(candidates, rung, *rest)
        asked.extend([rung] if found is not None else [])
        return found

    monkeypatch.setattr(promise, "MIN_TRAINED", 6)
    monkeypatch.setattr(rungs, "promises", counted)
    config = replace(CONFIG, budget=48)
    expected = search(MemoryJournal(), config)
    assert set(asked) == {0, 1}
    journal = KeepingJournal(dies_at)
    with pytest.raises(Killed):
        search(journal, config)
    assert summary(search(journal, config)) == summary(expected)


@pytest.fixture
def short_trials(monkeypatch: pytest.MonkeyPatch) -> SearchConfig:
    """Let a trial be made with 8 losses, and return a search whose three later generations have seeds of their own."""
    monkeypatch.setattr(rungs, "PER_TURN", 8)
    monkeypatch.setattr(settings, "TRIED", 8)
    monkeypatch.setattr(settings, "LEAST_FOR_TRIAL", 32)
    return replace(CONFIG, budget=32)


@pytest.mark.parametrize("dies_at", [8, 11, 13, 15, 18, 20])
def test_so_does_one_whose_generations_have_seeds_of_their_own(dies_at: int, short_trials: SearchConfig) -> None:
    whole = KeepingJournal()
    expected = search(whole, short_trials)
    anchors = [rung for rung in whole._scores if rung <= rungs.ANCHOR_RUNG]
    assert set(range(rungs.ANCHOR_RUNG - 7, rungs.ANCHOR_RUNG - 1)) <= set(anchors)
    journal = KeepingJournal(dies_at)
    with pytest.raises(Killed):
        search(journal, short_trials)
    assert summary(search(journal, short_trials)) == summary(expected)
    assert journal._scores == whole._scores


def test_a_random_search_has_the_same_seeds_throughout(short_trials: SearchConfig) -> None:
    journal = MemoryJournal()
    search(journal, replace(short_trials, strategy="random"))
    assert rungs.TRIAL_RUNG in journal._scores
    assert min(journal._scores) > rungs.ANCHOR_RUNG


def test_the_work_that_is_planned_is_the_work_that_is_done(short_trials: SearchConfig) -> None:
    running = Search(load_grammar("default"), load_task(TASK), short_trials, MemoryJournal(), lambda progress: None)
    running.run()
    planned = running.progress.work_total - running.plan.comparison
    assert running.progress.work_done == pytest.approx(planned, rel=0.03)


def test_a_finished_search_trains_nothing_again(whole: Found) -> None:
    journal = KeepingJournal()
    search(journal)
    writes = journal.writes
    assert summary(search(journal)) == summary(whole)
    assert journal.writes == writes


def test_progress_rises_and_covers_the_work() -> None:
    seen: list[Any] = []
    search(MemoryJournal(), seen=seen)
    work = [done for _, _, done in seen]
    assert work == sorted(work)
    assert {"screening", "training", "final rung"} <= {phase for phase, _, _ in seen}


def test_baselines_that_are_one_loss_are_searched_once_and_compared_each() -> None:
    config = replace(CONFIG, baselines=("ce", "mae", "rce", "nce_mae"))
    journal = KeepingJournal()
    search(journal, config)
    known = set(journal.load_scores(0)) - {c.id for found in journal.generations.values() for c in found.candidates}
    assert known == {find(name).id for name in config.baselines}
    assert len(known) == 3
    work = Search(load_grammar("default"), load_task(TASK), config, journal, lambda _: None).plan.comparison
    assert work == (config.discovered + 4) * config.audit_seeds * TASK.steps


def test_the_audit_ranks_by_validation_and_compares_with_every_baseline(whole: Found) -> None:
    result = audit(whole.hall_of_fame, load_task(TASK), CONFIG)
    assert [row.contender.name for row in result.baselines] == ["ce", "ngl", "focal"]
    assert [d.rank for d in result.discoveries] == list(range(1, len(result.rows) + 1))
    assert [d.search_validation for d in result.discoveries] == sorted(
        (d.search_validation for d in result.discoveries), reverse=True
    )
    assert all(row.test.n == CONFIG.audit_seeds for row in (*result.rows, *result.baselines))
    assert result.baselines[0].gain is None
    for row in (*result.rows, *result.baselines[1:]):
        assert row.gain is not None
        assert row.gain.mean == pytest.approx(row.test.mean - result.baselines[0].test.mean, abs=1e-12)


#: Some 150 losses of this pass the screens.
SMALL = """
name: small
start: loss
rules:
  loss: ["part + more", "part * more"]
  part: ["-y_true * (bend)", "(y_pred - y_true) * (bend)", "square(bend - y_true)"]
  more: ["exp(-bend)", "1 + bend", "exp(bend)"]
  bend: [y_pred, "sqrt(y_pred)", "square(y_pred)", "exp(y_pred)", "tanh(y_pred)"]
"""


def test_of_a_small_grammar_every_loss_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the second generation on a surrogate chooses, and what it passes over must not be lost."""
    monkeypatch.setattr(Screening, "MAX_DRAWS", 60)
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)

    def names(strategy: str) -> set[str]:
        config = replace(CONFIG, strategy=strategy, budget=600, generation_size=64, finalists=1, last_seeds=5)
        journal, task = KeepingJournal(), load_task(TaskConfig(steps=1))

        def run() -> Found:
            return Search(load_grammar(path), task, config, journal, lambda progress: None).run()

        found = run()
        assert found.stopped == "exhausted"
        assert summary(run()) == summary(found)  # and a resumed run forgets what this one did
        return {candidate.id for candidate in found.candidates}

    every = names("random")
    assert len(every) > 2 * 64
    assert names("gp") == every
