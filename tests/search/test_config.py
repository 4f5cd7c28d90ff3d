"""The settings of a search."""

from __future__ import annotations

import pytest

from symloss.benchmark.compare import MAX_SEEDS
from symloss.errors import SymlossError
from symloss.search import SearchConfig
from symloss.search.config import TURNS


def test_no_seed_of_a_search_is_a_seed_of_the_comparison_or_of_another_rung() -> None:
    for first, second in ((0, 1), (1, 2), (7, 8)):
        seeds = [
            seed
            for run in (first, second)
            for rung in (
                *SearchConfig(seed=run).ladder(1000, 4).rungs,
                *[
                    rung
                    for turn in range(1, TURNS)
                    for rung in SearchConfig(seed=run).turned(SearchConfig(seed=run).ladder(1000, 4), turn).rungs[:2]
                ],
                SearchConfig(seed=run).final_rung(1000, 30),
                SearchConfig(seed=run).trial_rung(1000, 4),
            )
            for seed in rung.seeds
        ]
        assert len(seeds) == len(set(seeds))
        assert min(seeds) >= MAX_SEEDS


def test_where_noise_leaves_finalists_close_they_meet_again_with_fresh_seeds() -> None:
    config = SearchConfig(seed=2)
    assert config.playoff(100, 0.008) is None  # 30 seeds are enough
    for deviation, seeds in ((0.009, 35), (0.0145, 65), (0.02, 100), (0.5, 100)):
        again = config.playoff(100, deviation)
        assert again is not None
        assert len(again.seeds) == seeds
        assert again.steps == 100
        others = [*config.ladder(100, 4).rungs, config.final_rung(100, 30)]
        assert not set(again.seeds) & {seed for rung in others for seed in rung.seeds}
        assert max(again.seeds) < min(SearchConfig(seed=3).ladder(100).rungs[0].seeds)
        assert sorted(seed % 5 for seed in again.seeds) == sorted(list(range(5)) * (seeds // 5))
    assert SearchConfig(last_seeds=10).playoff(100, 0.5) is None


def test_generations_fill_the_budget_up_to_what_tuning_has() -> None:
    config = SearchConfig(budget=300, generation_size=128, tuning=0)
    assert [config.places(trained) for trained in (0, 128, 256, 300)] == [128, 128, 44, 0]
    assert config.places(200) == 100  # a generation that fell short is made up for
    config = SearchConfig(budget=300, generation_size=128, tuning=0.2)
    assert config.tuned == 60
    assert config.generations == 3
    assert [config.places(trained) for trained in (0, 128, 240)] == [128, 112, 0]
    assert SearchConfig(strategy="random").tuned == SearchConfig(strategy="cmaes").tuned == 0
    assert SearchConfig(budget=None, seconds=60.0, generation_size=50).tuned == 50


def test_rungs_that_use_every_fold_do_so_once() -> None:
    config = SearchConfig(seed=3)
    for rung in (config.ladder(100).rungs[-1], config.ladder(100, 3).rungs[-1], config.final_rung(100, 25)):
        assert sorted(seed % 5 for seed in rung.seeds) == sorted(list(range(5)) * (len(rung.seeds) // 5))


@pytest.mark.parametrize("steps", [1, 2, 9, 1000])
@pytest.mark.parametrize("share", [0.3, 0.7, 1.0])
def test_any_number_of_steps_gives_rungs_of_rising_cost(steps: int, share: float) -> None:
    assert len(SearchConfig().ladder(steps, 1, share).rungs) == 3


def test_round_trip() -> None:
    config = SearchConfig(seed=4, budget=99, baselines=("ce", "mae"))
    assert SearchConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"first_rung": 0}, "first rung is 0; it must be a share of the steps"),
        ({"first_rung": True}, "first rung is True"),
        ({"budget": -3}, "budget is -3; it must be a whole number of at least 1"),
        ({"seed": True}, "seed is True"),
        ({"immigrants": 1.5}, "immigrants is 1.5; it must be from 0 to 1"),
        ({"baselines": ("ngl",)}, "begin with ce"),
        ({"baselines": None}, "the baselines are None; give a list of names"),
        ({"baselines": "ce"}, "the baselines are 'ce'; give a list of names"),
        ({"baselines": ("ce", 3)}, "give a list of names"),
        ({"strategy": ["gp"]}, r"the strategy is \['gp'\]"),
        ({"repeats": 5}, "repeats is 5; it must be at most 4"),
        ({"colour": 1}, "unknown search setting 'colour'"),
    ],
)
def test_bad_settings_are_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(SymlossError, match=message):
        SearchConfig.from_dict(values)
