"""A benchmark's YAML file -> BenchmarkConfig; every mistake is named with its line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from symloss.benchmark.compare import Contender
from symloss.benchmark.config import (
    BenchmarkConfig,
    Resolve,
    Sweep,
    condition_name,
    experiment_of,
    resolve,
    with_baseline,
)
from symloss.benchmark.published import Published, load_published
from symloss.benchmark.schema import BenchmarkShape, LossShape, TasksShape, read_shape
from symloss.benchmark.trainers import Experiment
from symloss.errors import SymlossError
from symloss.grammar.errors import Location, Problems
from symloss.grammar.reader import Document, decode, read_bytes

#: Settings and where they stand.
_Layer = tuple[Location, Mapping[str, Any]]

_NEEDS = "a benchmark's configuration is a mapping with name, losses and tasks; the README has an example"


def load_config(path: str | Path, *, smoke: bool = False, resolver: Resolve = resolve) -> BenchmarkConfig:
    """Read and check the configuration of a benchmark.

    Example:
        >>> config = load_config("mine.yaml", smoke=True)

    Args:
        path: a YAML file with ``name``, ``losses`` (names, formulas, ``NAME: FORMULA``) and ``tasks`` (mappings with
            ``datasets``, ``models``, ``conditions``), and perhaps ``seeds``, ``baseline``, ``trainer``, ``metrics``,
            ``settings``, ``sweep``, ``select``, ``band``, ``published``, ``cost``, ``description`` and ``smoke``.
        smoke: apply the section ``smoke``.
        resolver: what a loss's text means.

    Raises:
        SymlossError: no readable file, or mistakes in it, each as a line ``FILE:LINE: ...``.
    """
    path = Path(path)
    what = "benchmark's configuration"
    document = Document(decode(read_bytes(path, what), str(path), what, "name, losses and tasks"), str(path), None)
    shape = read_shape(BenchmarkShape, document.data, document.problems, _NEEDS)
    document.problems.raise_any()
    assert shape is not None
    config = _Reader(shape, document.problems, path, smoke, resolver).config()
    document.problems.raise_any()
    assert config is not None
    return config


class _Reader:
    def __init__(self, shape: BenchmarkShape, problems: Problems, path: Path, smoke: bool, resolver: Resolve) -> None:
        self.shape, self.problems, self.path, self.smoke, self.resolver = shape, problems, path, smoke, resolver

    def _replaced(self, key: str) -> tuple[Any, Location]:
        """Return what holds for a key, and where it stands: in the section ``smoke`` or at the top."""
        if self.smoke and key in self.shape.smoke.model_fields_set:
            return getattr(self.shape.smoke, key), ("smoke", key)
        return getattr(self.shape, key), (key,)

    def config(self) -> BenchmarkConfig | None:
        shape = self.shape
        contenders = self._contenders()
        experiments = self._experiments()
        published = self._published(experiments)
        sweep, _ = self._replaced("sweep")
        if self.problems:
            return None
        try:
            return BenchmarkConfig(
                name=shape.name,
                contenders=contenders,
                experiments=tuple(experiments),
                seeds=self._replaced("seeds")[0],
                baseline=self._baseline(contenders),
                sweep=Sweep(tuple(sweep.lr), sweep.seeds) if sweep else None,
                select=shape.select,
                band=shape.band,
                published=published,
                description=shape.description,
                cost=shape.cost,
                smoke=self.smoke,
            )
        except SymlossError as error:
            self.problems.add((), str(error))
            return None

    def _contenders(self) -> tuple[Contender, ...]:
        entries, place = self._replaced("losses")
        found: dict[str, Contender] = {}
        for number, entry in enumerate(entries):
            contender = self._contender(entry, (*place, number))
            if contender is None:
                continue
            if contender.name in found:
                self.problems.add(
                    (*place, number), f"the loss {contender.name!r} is given twice; keep one or rename it"
                )
            found[contender.name] = contender
        if self.problems:
            return ()
        try:
            return with_baseline(list(found.values()), self.shape.baseline, self.resolver)
        except SymlossError as error:
            self.problems.add(("baseline",), str(error))
            return ()

    def _contender(self, entry: LossShape, place: Location) -> Contender | None:
        try:
            name, loss = self.resolver(entry.text)
        except SymlossError as error:
            self.problems.add(place, str(error))
            return None
        return Contender(entry.name or name, loss)

    def _baseline(self, contenders: Sequence[Contender]) -> str:
        names = [contender.name for contender in contenders]
        return self.shape.baseline if self.shape.baseline in names else self.resolver(self.shape.baseline)[0]

    def _published(self, experiments: Sequence[Experiment]) -> Published | None:
        if self.shape.published is None:
            return None
        try:
            found = load_published(self.path.parent / self.shape.published)
        except SymlossError as error:
            self.problems.add(("published",), str(error))
            return None
        if experiments and not any(found.of_experiment(one) for one in experiments):
            theirs = "; ".join(", ".join(filter(None, key)) for key in found.scores)
            message = f"no task here is one of the published ones, by dataset, model, condition and metric: {theirs}"
            self.problems.add(("published",), message)
        return found

    def _experiments(self) -> list[Experiment]:
        groups, place = self._replaced("tasks")
        return [
            experiment
            for number, group in enumerate(groups)
            # A single group may be written without a list; its number in the location is then passed over.
            for experiment in self._group(group, (*place, number))
        ]

    def _group(self, group: TasksShape, place: Location) -> list[Experiment]:
        metrics, metrics_place = self._replaced("metrics")
        if group.metrics is not None and metrics_place == ("metrics",):
            metrics, metrics_place = group.metrics, (*place, "metrics")
        trainer = group.trainer or self.shape.trainer
        found = []
        for (d, dataset), (m, model), (c, condition) in product(
            enumerate(group.datasets), enumerate(group.models), enumerate(group.conditions)
        ):
            layers: list[_Layer] = [
                (("settings",), self.shape.settings),
                ((*place, "settings"), group.settings),
                ((*place, "conditions", c), {key: value for key, value in condition.items() if key != "name"}),
            ]
            if self.smoke:
                layers += [(("smoke", "settings"), self.shape.smoke.settings), ((*place, "smoke"), group.smoke)]

            def build(
                some: Sequence[_Layer],
                dataset: str = dataset,
                model: str = model,
                name: str = condition_name(condition),
            ) -> Experiment:
                values = {key: value for _, layer in some for key, value in layer.items()}
                return experiment_of(trainer, dataset, model, metrics, values, name)

            try:
                found.append(build(layers))
            except SymlossError as error:
                named = {
                    (*place, "datasets", d): [dataset],
                    (*place, "models", m): [model],
                    metrics_place: metrics,
                }
                self.problems.add(_culprit(str(error), layers, named, build) or place, str(error))
        return found


def _culprit(
    message: str,
    layers: Sequence[_Layer],
    named: Mapping[Location, Sequence[str]],
    build: Callable[[Sequence[_Layer]], Experiment],
) -> Location | None:
    """Return where the setting stands without which the message is another, or the name that the message quotes."""
    for number, (place, values) in reversed(list(enumerate(layers))):
        for key in values:
            without = {name: value for name, value in values.items() if name != key}
            try:
                build([*layers[:number], (place, without), *layers[number + 1 :]])
            except SymlossError as error:
                if str(error) == message:
                    continue
            return (*place, key)
    for place, names in named.items():
        for number, name in enumerate(names):
            if repr(name) in message:
                return (*place, number) if len(names) > 1 else place
    return None
