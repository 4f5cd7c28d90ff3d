"""Who climbs, and how many seeds the last rung has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from symloss.fitness import Evaluator, Rung
from symloss.fitness.jobs import JobScores, Scored
from symloss.formula import Formula, constant
from symloss.grammar import Derivation
from symloss.losses import CatalogueLoss, find
from symloss.runtime import keyed_random
from symloss.search import Candidate, MemoryJournal, Progress, SearchConfig
from symloss.search import rungs as ladders
from symloss.search.config import TRIED, TURNS
from symloss.search.rungs import Rungs
from symloss.tasks import Task, TaskConfig, load_task

TASK = load_task(TaskConfig(steps=10))
CE = find("ce")


class Oracle(Evaluator):
    """Scores a formula by the number in it, and cross-entropy by a list."""

    def __init__(self, ce: Callable[[int], float] = lambda seed: 0.5) -> None:
        super().__init__()
        self.asked: list[tuple[int, list[Any], tuple[int, ...]]] = []
        self._ce = ce

    def stream(
        self,
        tasks: Sequence[tuple[Task, int]],
        losses: Sequence[Formula | CatalogueLoss],
        seeds: Sequence[int],
        *,
        test: bool = False,
        progress: Any = None,
    ) -> Iterator[Scored]:
        for place, loss in enumerate(losses):
            self.asked.append((tasks[0][1], [loss], tuple(seeds)))
            if isinstance(loss, Formula):
                row = [float(loss.value or 0)] * len(seeds)
            else:
                row = [self._ce(seed) for seed in seeds]
            scores = JobScores(np.array([[row]]), None, np.zeros((1, len(seeds)), dtype=bool))
            yield Scored(place, place + 1, tuple(scores for _ in tasks))


def candidate(score: float, generation: int = 0) -> Candidate:
    derivation = Derivation("e", 0, (), score, constant(score))
    return Candidate(f"{generation}:{score}", derivation, 1, generation, 0, "draw")


def rungs(oracle: Oracle, config: SearchConfig | None = None, journal: MemoryJournal | None = None) -> Rungs:
    return Rungs(
        [TASK],
        config or SearchConfig(),
        journal or MemoryJournal(),
        oracle,
        {CE.id: CE},
        Progress(),
        lambda progress: None,
    )


def test_a_quarter_climbs_from_each_rung_to_the_next() -> None:
    archive = [candidate(k / 100) for k in range(32)]
    rungs(Oracle()).climb(archive, archive)
    assert sorted(c.score for c in archive if c.rung >= 1) == [k / 100 for k in range(24, 32)]
    assert sorted(c.score for c in archive if c.rung == 2) == [0.30, 0.31]


def test_a_strong_candidate_that_missed_the_cut_takes_the_place_that_a_weak_generation_would_waste() -> None:
    strong = [candidate(0.9 + k / 1000) for k in range(16)]
    weak = [candidate(0.1 + k / 1000, 1) for k in range(16)]
    climber = rungs(Oracle())
    archive = list(strong)
    climber.climb(strong, archive)
    assert [c.generation for c in archive if c.rung >= 1] == [0] * 4
    archive += weak
    climber.climb(weak, archive)
    assert [c.generation for c in archive if c.rung >= 1] == [0] * 8
    # As many places as with a fresh cut for each generation.
    assert sum(c.rung == 2 for c in archive) == 2


def test_with_profiles_most_of_those_that_climb_do_so_by_what_they_promise() -> None:
    first = [candidate(k / 256) for k in range(256)]
    climber = rungs(Oracle())
    for k, c in enumerate(first):
        c.profile = np.array([np.cos(k / 256), np.sin(k / 256)])
    climber.climb(first, first, learns=True)
    assert sum(c.rung >= 1 for c in first) == 64
    # Of the next generation the best by profiles is the worst by score, but better than all that wait.
    second = [candidate(0.8 - k / 1000, 1) for k in range(64)]
    for k, c in enumerate(second):
        c.profile = np.array([np.cos(0.9 + k / 640), np.sin(0.9 + k / 640)])
    climber.climb(second, first + second, learns=True)
    climbed = [k for k, c in enumerate(second) if c.rung >= 1]
    assert len(climbed) == 16
    assert climbed[:4] == [0, 1, 2, 3]
    assert min(climbed[4:]) >= 40


def test_only_what_the_journal_lacks_is_trained() -> None:
    journal, oracle = MemoryJournal(), Oracle()
    archive = [candidate(k / 10) for k in range(8)]
    journal.save_scores(0, {archive[3].id: (((0.77,),),)})
    rungs(oracle, journal=journal).train(0, Rung(3, (1,)), archive, archive)
    assert archive[3].scores[0] == (((0.77,),),)
    assert len(oracle.asked) == 8  # cross-entropy and seven candidates
    again = Oracle()
    rungs(again, journal=journal).train(0, Rung(3, (1,)), archive, archive)
    assert again.asked == []


@pytest.mark.parametrize(
    ("spread", "seeds", "repeats"),
    [(0.0, 10, 1), (0.004, 10, 1), (0.006, 20, 1), (0.01, 30, 2), (0.013, 30, 3), (0.5, 30, 4)],
)
def test_noise_decides_the_seeds(spread: float, seeds: int, repeats: int) -> None:
    """(spread / 0.0015) ** 2 seeds bring the standard error to 0.0015, in fives, from 10 to 30.

    (spread / 0.008) ** 2 seeds make the first rung no more of a lottery than one does where the spread is 0.008.
    """
    alternating = Oracle(lambda seed: 0.5 + (spread if seed % 2 else -spread) * np.sqrt(14 / 15))
    climber = rungs(alternating)
    deviation, found = climber.measure_noise()
    first, second, third = climber.ladder.rungs
    assert (len(first.seeds), len(second.seeds), len(third.seeds)) == (repeats, 2 * repeats, 5 * repeats)
    assert deviation == pytest.approx(spread, rel=0.01)
    assert found == seeds
    assert rungs(alternating, SearchConfig(last_seeds=7)).measure_noise()[1] == 7


def test_the_noise_is_measured_once() -> None:
    journal, oracle = MemoryJournal(), Oracle()
    first = rungs(oracle, journal=journal).measure_noise()
    again = Oracle()
    assert rungs(again, journal=journal).measure_noise() == first
    assert again.asked == []
    assert oracle.asked[0][0] == 10
    assert len(oracle.asked[0][2]) == 15


def test_every_task_has_its_own_share_of_steps() -> None:
    seen: list[list[int]] = []

    class Spy(Oracle):
        def stream(self, tasks: Any, *arguments: Any, **more: Any) -> Iterator[Scored]:
            seen.append([steps for _, steps in tasks])
            return super().stream(tasks, *arguments, **more)

    other = load_task(TaskConfig(steps=40, label_noise=0.4))
    archive = [candidate(0.5)]
    both = Rungs([TASK, other], SearchConfig(), MemoryJournal(), Spy(), {CE.id: CE}, Progress(), lambda p: None)
    both.train(0, Rung(3, (1,)), archive, archive)
    assert seen == [[3, 12]]
    assert len(archive[0].scores[0]) == 2


class Slow(Oracle):
    """Below so many steps the losses' order is the other way round."""

    def __init__(self, enough: int) -> None:
        super().__init__()
        self.enough = enough

    def stream(self, tasks: Sequence[tuple[Task, int]], losses: Sequence[Any], *rest: Any, **more: Any) -> Any:
        for part in super().stream(tasks, losses, *rest, **more):
            if tasks[0][1] < self.enough and isinstance(losses[part.start], Formula):
                part.scores[0].validation[:] = 1 - part.scores[0].validation
            yield part


GENERATION = [candidate(k / 100) for k in range(TRIED + 10)]


@pytest.mark.parametrize(("enough", "first", "second"), [(0, 3, 7), (4, 5, 7), (6, 7, 7), (8, 10, 10)])
def test_the_first_rung_is_the_shortest_that_orders_losses_as_all_steps_do(
    enough: int, first: int, second: int
) -> None:
    oracle, journal = Slow(enough), MemoryJournal()
    climber = rungs(oracle, journal=journal)
    climber.try_out(GENERATION)
    assert [rung.steps for rung in climber.ladder.rungs] == [first, second, 10]
    silent = Slow(99)  # would decide otherwise if it trained
    again = rungs(silent, journal=journal)
    again.try_out(GENERATION)
    assert again.ladder == climber.ladder
    assert not silent.asked


def test_what_the_trial_trained_on_the_first_rung_is_not_trained_again() -> None:
    oracle = Slow(0)
    climber = rungs(oracle)
    climber.try_out(GENERATION)
    before = len(oracle.asked)
    archive = [candidate(k / 100) for k in range(TRIED + 10)]
    climber.train(0, climber.ladder.rungs[0], archive, archive)
    assert len(oracle.asked) - before == 10
    seeds = [set(asked[2]) for asked in oracle.asked]
    assert not seeds[0] & seeds[-1]  # the truth has seeds of its own


@pytest.mark.parametrize("config", [SearchConfig(budget=511), SearchConfig(first_rung=0.7)])
def test_a_small_search_and_a_given_first_rung_need_no_trial(config: SearchConfig) -> None:
    oracle = Slow(8)
    climber = rungs(oracle, config)
    climber.try_out(GENERATION)
    assert not oracle.asked
    assert climber.ladder.rungs[0].steps == (7 if config.first_rung else 3)


class Unkind(Oracle):
    """Some sets of seeds are harder than others for everyone, and each loss has luck of its own with each seed."""

    def __init__(self, luck: float = 0.0) -> None:
        super().__init__()
        self.luck = luck
        self.lost = 0

    def stream(self, tasks: Any, losses: Any, seeds: Sequence[int], **more: Any) -> Iterator[Scored]:
        for part in super().stream(tasks, losses, seeds, **more):
            score = part.scores[0].validation
            luck = [keyed_random(seed, str(losses[part.start])).gauss(0, self.luck) for seed in seeds]
            score += np.array(luck) - (0.0 if self.luck else (seeds[0] % 11) / 50)
            yield part


def turning(oracle: Oracle, journal: MemoryJournal) -> Rungs:
    return Rungs([TASK], SearchConfig(), journal, oracle, {CE.id: CE}, Progress(), lambda p: None, turns=True)


def born(generation: int, size: int = TRIED, seed: int = 0) -> list[Candidate]:
    """Return a generation of losses that score from .3 to .9 where seeds are easy."""
    rng = np.random.default_rng((seed, generation))
    return [candidate(round(float(value), 9), generation) for value in rng.uniform(0.3, 0.9, size)]


def search(rungs: Rungs, generations: Sequence[list[Candidate]]) -> list[Candidate]:
    archive: list[Candidate] = []
    rungs.measure_noise()
    for generation in generations:
        archive += generation
        if not generation[0].generation:
            rungs.try_out(generation)
        rungs.climb(generation, archive)
    return archive


def test_each_turn_has_other_seeds_on_the_first_rungs_and_its_scores_on_one_level(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ladders, "PER_TURN", TRIED)
    oracle, journal = Unkind(), MemoryJournal()
    rungs = turning(oracle, journal)
    archive = search(rungs, [born(number) for number in range(4)])
    first, second, third = rungs.ladder.rungs
    asked = {seeds for _, _, seeds in oracle.asked}
    turns = [rungs._config.turned(rungs.ladder, turn).rungs[place].seeds for turn in range(4) for place in (0, 1)]
    assert {*turns, third.seeds} <= asked
    assert len({seed for seeds in turns for seed in seeds}) == sum(map(len, turns))
    easy = [[(seeds[0] % 11) / 50 for seeds in turns[place::2]] for place in (0, 1)]
    assert len(set(easy[0])) > 2  # or nothing is tested
    assert len(set(easy[1])) > 2
    for c in archive:
        truth = float(c.derivation.formula.value or 0)
        for number, rung in ((0, first), (1, second), (2, third)):
            if number in c.scores:
                assert c.scores[number][0][0][0] + (rung.seeds[0] % 11) / 50 == pytest.approx(truth, abs=1e-9)
                assert c.merits[number] == pytest.approx(c.scores[number][0][0][0])
    again = Unkind()
    replayed = search(turning(again, journal), [born(number) for number in range(4)])
    assert again.asked == []
    assert [c.scores for c in replayed] == [c.scores for c in archive]


def test_a_turn_is_a_number_of_candidates_in_whole_generations() -> None:
    oracle = Unkind()
    rungs = turning(oracle, MemoryJournal())
    archive = search(rungs, [born(number, size) for number, size in enumerate((64, 80, 32, 100, 64))])
    sets = [rungs._config.turned(rungs.ladder, turn).rungs[0].seeds for turn in range(3)]
    assert len(set(sets)) == 3
    # The generations begin at candidates 0, 64, 144, 176 and 276.
    for generation, turn in enumerate((0, 0, 1, 1, 2)):
        newest = next(c for c in reversed(archive) if c.generation == generation).derivation.formula
        asked = [
            seeds for steps, [loss], seeds in oracle.asked if loss == newest and steps == rungs.ladder.rungs[0].steps
        ]
        assert [seeds for seeds in asked if seeds in sets] == [sets[turn]]


def test_turns_come_round_again_and_nothing_is_trained_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladders, "PER_TURN", 4)
    oracle = Unkind()
    search(turning(oracle, MemoryJournal()), [born(0), *[born(number, 4) for number in range(1, TURNS + 3)]])
    trained = [(steps, seeds, str(loss)) for steps, [loss], seeds in oracle.asked]
    assert len(trained) == len(set(trained))


def test_without_a_trial_all_generations_have_the_same_seeds() -> None:
    oracle = Unkind()
    search(turning(oracle, MemoryJournal()), [born(number, TRIED - 1) for number in range(3)])
    assert len({seeds for _, _, seeds in oracle.asked}) == 3 + 1  # and those that measure noise


def test_anchors_are_not_luckier_with_the_first_seeds_than_with_others() -> None:
    """Where all sets are equally hard and luck is as large as what losses differ by, levels are 0 on average."""
    levels: dict[int, list[float]] = {0: [], 1: []}
    for run in range(12):
        journal = MemoryJournal()
        rungs = turning(Unkind(0.17), journal)
        archive = search(rungs, [born(number, 128, run) for number in range(3)])
        raw = Unkind(0.17)
        for number in (0, 1):
            for turn in (1, 2):
                rung = rungs._config.turned(rungs.ladder, turn).rungs[number]
                some = next(c for c in archive if c.generation == turn and number in c.scores)
                [part] = raw.stream([(TASK, rung.steps)], [some.derivation.formula], rung.seeds)
                levels[number].append(some.scores[number][0][0][0] - float(part.scores[0].validation[0, 0, 0]))
    for number, found in levels.items():
        assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(len(found)), number
