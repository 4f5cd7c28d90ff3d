"""`symloss sample`: the first draws of a search, with its verdicts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from symloss.cli.draws import SAMPLE_SCREENS, judged_draws
from symloss.formula import parse_formula, to_text
from symloss.grammar import Sampler, load_grammar
from symloss.losses import find
from symloss.runtime import keyed_random
from symloss.search import Screening, SearchConfig
from symloss.search.strategies.random_search import RandomSearch
from symloss.symbolic import loss_id, to_latex

Run = Callable[..., Any]


def sampled(symloss: Run, *arguments: object) -> dict[str, Any]:
    done = symloss("sample", *arguments, "--json", "-")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert isinstance(result, dict)
    return result


def test_the_draws_are_those_of_the_seed(symloss: Run) -> None:
    result = sampled(symloss, "default", "-n", 30, "--seed", 7)
    assert set(result) == {"grammar", "seed", "classes", "counts", "candidates"}
    assert (result["seed"], result["classes"]) == (7, 10)
    assert result["grammar"].endswith("default.yaml")
    sampler = Sampler(load_grammar("default"))
    for index, candidate in enumerate(result["candidates"]):
        derivation = sampler.sample(keyed_random(7, "draw", 0, index))
        assert derivation is not None
        assert candidate["expression"] == to_text(derivation.formula)
        assert candidate["latex"] == to_latex(derivation.formula)
        assert candidate["id"] == loss_id(derivation.formula)
        assert candidate["verdict"] in ("passed", *SAMPLE_SCREENS)
        assert (candidate["verdict"] == "passed") == (candidate["reason"] == "")
    assert len(result["candidates"]) == 30
    verdicts = Counter(candidate["verdict"] for candidate in result["candidates"])
    assert result["counts"] == {name: verdicts[name] for name in ("passed", *SAMPLE_SCREENS)}
    assert sampled(symloss, "default", "-n", 30, "--seed", 8)["candidates"] != result["candidates"]


def test_the_verdicts_are_those_of_a_search() -> None:
    grammar, config = load_grammar("default"), SearchConfig(seed=3, budget=40)
    screening = Screening(10)
    for name in config.baselines:
        screening.reserve(find(name).formula)
    breeder = RandomSearch(config, Sampler(grammar)).breeder(0, ())
    generation = screening.fill(0, 40, breeder, lambda generation: None)
    expected = {(text.expression, text.screen, text.reason) for text in generation.rejections}
    expected |= {(candidate.expression, None, "") for candidate in generation.candidates}
    done: list[int] = []
    draws = judged_draws(grammar, generation.drawn, 3, 10, seeds=True, progress=lambda at, total: done.append(at))
    found = [(to_text(draw.formula), draw.screen, draw.reason) for draw in draws]
    assert set(found) == expected
    assert Counter(screen for _, screen, _ in found) == generation.rejected() + Counter({None: 40})
    assert {"free-logits", "duplicate", "null-epoch", "dependence"} <= {screen for _, screen, _ in found if screen}
    assert done[-1] == generation.drawn > 250  # so the draws were split over batches


def test_a_verdict_does_not_depend_on_how_draws_are_split() -> None:
    texts = (
        "y_true/y_pred",
        "-y_true*y_pred",
        "-2*y_true*y_pred",
        "y_true*square(y_pred - 0.12)",
        "-y_true*sqrt(y_pred)",
    )
    formulas = [parse_formula(text) for text in texts]
    whole = Screening(10).judge(formulas)
    one_by_one = Screening(10)
    assert [one_by_one.judge([formula])[0].screen for formula in formulas] == [verdict.screen for verdict in whole]
    assert [verdict.screen for verdict in whole] == ["bounded", None, "duplicate", "free-logits", None]


def test_the_grammars_own_seeds_come_first_and_baselines_are_known(symloss: Run) -> None:
    Path("mine.yaml").write_text(
        "name: mine\nstart: e\nrules:\n  e:\n    - -y_true*log(y_pred)\n    - e * e\n    - y_pred\n    - y_true\n"
        'seeds: ["y_pred*y_pred*y_true"]\n'
    )
    first, *rest = sampled(symloss, "mine.yaml", "-n", 40)["candidates"]
    assert first["expression"] == "y_pred*y_pred*y_true"
    verdicts = {candidate["verdict"] for candidate in rest if candidate["expression"] == "-y_true*log(y_pred)"}
    assert verdicts == {"duplicate"}


def test_the_table_gives_number_formula_and_reason(symloss: Run) -> None:
    done = symloss("sample", "default", "-n", 12, "--json", "s.json")
    text = " ".join(done.out.replace("│", " ").split())
    for number, candidate in enumerate(json.loads(Path("s.json").read_text())["candidates"], start=1):
        assert f"{number} {candidate['expression'].split()[0]}"[:10] in text
        assert candidate["verdict"] in text
        assert candidate["reason"].split()[:1] == [] or candidate["reason"].split()[0] in text
    assert "12 drawn: " in text
