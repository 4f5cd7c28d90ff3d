"""What the catalogue holds: a loss with its paper, its parameters and its formula."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from symloss.errors import SymlossError, unknown
from symloss.formula import Formula, to_text
from symloss.formula.writer import number_text
from symloss.losses.template import fill


@dataclass(frozen=True)
class Paper:
    """Where a loss was published.

    Attributes:
        authors: family names, or all names of a short list.
        title: the paper's title.
        year: of publication.
        source: arXiv number, journal or conference.
    """

    authors: str
    title: str
    year: int
    source: str


@dataclass(frozen=True)
class Parameter:
    """A number that the user of a loss may choose.

    Attributes:
        value: what it is set to.
        low: the smallest value allowed.
        high: the largest value allowed.
        meaning: one line on what it does, and where the value is from.
        whole: whether only whole numbers are allowed.
    """

    value: float
    low: float
    high: float
    meaning: str
    whole: bool = False

    def at(self, value: Any, name: str) -> Parameter:
        """Return this parameter with another value; ``name`` is for the message.

        Raises:
            SymlossError: not a number, or out of range.
        """
        kind = "a whole number" if self.whole else "a number"
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and self.low <= value <= self.high and not (self.whole and value % 1):
            return replace(self, value=float(value))
        raise SymlossError(f"{name} is {value!r}; it must be {kind} from {self.low:g} to {self.high:g}: {self.meaning}")


@dataclass(frozen=True)
class Term:
    """One summand of a loss that couples the classes.

    Attributes:
        formula: L(p, y) of one class.
        weight: the factor of the summand.
        normalised: whether the sum S of L over classes is divided by the sum of S over all labels that the sample might
            have (Ma et al. 2020, eq. 3), which couples the classes.
    """

    formula: Formula
    weight: float = 1.0
    normalised: bool = False


@dataclass(frozen=True)
class Part:
    """How the catalogue writes a :class:`Term`: the formula's text and the name of the weight's parameter."""

    text: str
    weight: str
    normalised: bool = False


@dataclass(frozen=True)
class CatalogueLoss:
    """A known loss. Its sample's loss is the sum or mean over classes of a formula, or the sum of its terms.

    Attributes:
        name: the short name, such as ``"ngl"``.
        template: the formula's text with the names of parameters in it, a function from their values to the text, or
            the parts of a loss that couples the classes.
        paper: where it was published.
        when: one line on when to use it.
        class_reduction: ``"sum"`` or ``"mean"`` over classes, as published.
        output: what y_pred is: the ``"softmax"`` of the logits, or the ``"sigmoid"`` of each, one class against the
            rest; there ``log(y_pred) - log(1 - y_pred)`` is the logit itself.
        parameters: what the user may choose, by name.
        module_options: those parameters that are options of the torch module and not numbers in the formula.
    """

    name: str
    template: str | Callable[..., str] | tuple[Part, ...]
    paper: Paper
    when: str
    class_reduction: str = "sum"
    output: str = "softmax"
    parameters: Mapping[str, Parameter] = field(default_factory=dict, hash=False)
    module_options: tuple[str, ...] = ()

    def with_parameters(self, **values: float) -> CatalogueLoss:
        """Return the loss with other values of some parameters.

        Raises:
            SymlossError: no such parameter, or a value out of its range.
        """
        for name in values:
            if name not in self.parameters:
                if not self.parameters:
                    raise SymlossError(f"{self.name} has no parameters, but {name!r} was given; drop it")
                raise SymlossError(unknown(f"parameter of {self.name}", name, self.parameters))
        changed = {name: self.parameters[name].at(value, f"{name} of {self.name}") for name, value in values.items()}
        return replace(self, parameters={**self.parameters, **changed}) if changed else self

    @property
    def values(self) -> dict[str, float]:
        """The parameters' values by name."""
        return {name: parameter.value for name, parameter in self.parameters.items()}

    @property
    def options(self) -> dict[str, float]:
        """The options of the torch module that belong to the loss."""
        return {name: self.parameters[name].value for name in self.module_options}

    @property
    def _numbers(self) -> dict[str, float]:
        """The parameters that the formula has in it."""
        return {name: value for name, value in self.values.items() if name not in self.module_options}

    @cached_property
    def formula(self) -> Formula | None:
        """L(p, y) of one class, in ``y_pred`` and ``y_true``; None if the loss couples the classes."""
        if isinstance(self.template, tuple):
            return None
        if isinstance(self.template, str):
            return fill(self.template, self._numbers)
        return fill(self.template(**self._numbers), {})

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The summands of a loss that couples the classes; empty for all others."""
        if not isinstance(self.template, tuple):
            return ()
        values = self._numbers
        return tuple(Term(fill(part.text, values), values[part.weight], part.normalised) for part in self.template)

    @property
    def beyond(self) -> str:
        """Why its formula, read as a class-wise loss on a softmax, is not the loss; empty if it is."""
        if self.formula is None:
            return "couples the classes, so no formula of one class says it: N(L) is L over its sum for all labels"
        if self.output != "softmax":
            return f"is a loss on a {self.output} output, and its formula on a softmax is another one"
        # An option of 0 is without effect.
        given = ", ".join(f"{name}={number_text(value)}" for name, value in self.options.items() if value)
        return f"is more than its formula: it is trained with {given}" if given else ""

    @property
    def plain(self) -> bool:
        """Whether the formula says all: class-wise, on a softmax, without options of the module."""
        return not self.beyond

    @property
    def plain_formula(self) -> Formula:
        """The formula, for whoever reads it as a class-wise loss on a softmax.

        Raises:
            SymlossError: the loss is more than that (see :attr:`plain`).
        """
        if self.formula is None or not self.plain:
            raise SymlossError(f"{self.name} {self.beyond}; symloss.losses.get({self.name!r}) trains it")
        return self.formula

    @property
    def id(self) -> str:
        """A name by content: of a plain loss its formula's ``loss_id``, which equivalent formulas share.

        Others have no response curves to compare, so theirs is a hash of how they are written, with a prefix that keeps
        it apart from the ids of formulas.
        """
        if self.plain:
            # Imported here because SymPy comes with it.
            from symloss.symbolic import loss_id

            return loss_id(self.plain_formula)
        terms = self.terms if self.formula is None else (Term(self.formula),)
        content = [self.output, *(f"{name}={value!r}" for name, value in sorted(self.options.items()))]
        content += [f"{term.weight!r},{term.normalised},{to_text(term.formula)}" for term in terms]
        return "loss-" + hashlib.sha256(";".join(content).encode()).hexdigest()[:16]

    @property
    def size(self) -> int:
        """The nodes of its formulas."""
        return sum(term.formula.size for term in self.terms) if self.formula is None else self.formula.size

    @property
    def text(self) -> str:
        """The formula as text; N(...) is a normalised term (see :class:`Term`)."""
        if self.formula is not None:
            return to_text(self.formula)
        return _join(self.terms, to_text, "*", "({})", "N({})")

    @property
    def latex(self) -> str:
        """The formula in LaTeX, with p for the probability and y for the label; N is a normalised term."""
        # Imported here because SymPy comes with it.
        from symloss.symbolic import to_latex

        if self.formula is not None:
            return to_latex(self.formula)
        return _join(self.terms, to_latex, r" \, ", r"\left({}\right)", r"\mathrm{{N}}\left({}\right)")


def _join(terms: tuple[Term, ...], write: Callable[[Formula], str], times: str, group: str, normal: str) -> str:
    """Write a sum of terms; ``group`` and ``normal`` are the formats of a term in parentheses and a normalised one."""
    written = []
    for term in terms:
        text = write(term.formula)
        if term.normalised:
            text = normal.format(text)
        elif term.weight != 1 or term.formula.op in ("add", "sub", "neg"):
            text = group.format(text)
        written.append(text if term.weight == 1 else number_text(term.weight) + times + text)
    return " + ".join(written)


def formula_alone(loss: Formula | CatalogueLoss) -> Formula | None:
    """Return the formula that says all of a loss, or None where there is none (see :attr:`CatalogueLoss.plain`)."""
    if isinstance(loss, Formula):
        return loss
    return loss.formula if loss.plain else None
