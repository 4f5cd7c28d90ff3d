"""The networks by name, and names taken apart. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symloss.errors import SymlossError, unknown
from symloss.factory import is_factory
from symloss.models.model import Model, Value, spelling
from symloss.models.segmentation import SEGMENTATION
from symloss.models.small import SMALL
from symloss.models.vision import VISION
from symloss.named import read_settings, split_call

#: Every network by name.
MODELS: dict[str, Model] = {model.name: model for model in (*SMALL, *VISION, *SEGMENTATION)}

#: How a network of one's own is named, with one line for listings.
OWN_MODELS: dict[str, str] = {
    "package.module:factory": "what a function of your own returns, called as factory(shape=(C, H, W), classes=K)"
}

_VALUE = r"[\w.+-]+"


@dataclass(frozen=True)
class Chosen:
    """A name taken apart.

    Attributes:
        name: the canonical spelling: equal for equal networks.
        model: the registry's entry; None of a network of the user's own.
        values: every parameter's value.
    """

    name: str
    model: Model | None
    values: Mapping[str, Value]

    @property
    def task(self) -> str | None:
        """``"classification"`` or ``"segmentation"``; None of a network of the user's own, which may do either."""
        return self.model.task if self.model else None

    @property
    def aux(self) -> bool:
        """Whether it returns :class:`~symloss.models.Outputs` with an auxiliary head's logits while it trains."""
        return bool(self.values.get("aux", False))


def parse(name: object) -> Chosen:
    """Return what a name asks for: a key of :data:`MODELS`, perhaps with parameters, or ``package.module:factory``.

    Example:
        >>> parse("resnet18(upsample=3, head = paper, norm=batch)").name
        'resnet18(head=paper, upsample=3)'

    Raises:
        SymlossError: no such network or parameter, or a value that is not allowed. Nothing is imported.
    """
    if not isinstance(name, str):
        raise SymlossError(f"model is {name!r}; it must be a name, such as 'mlp'")
    if is_factory(name):
        return Chosen(name, None, {})
    call = split_call(name)
    model = MODELS.get(call[0]) if call else None
    if call is None or model is None:
        shown = call[0] if call else name
        raise SymlossError(f"{unknown('model', shown, MODELS)}. One of your own is {' or '.join(OWN_MODELS)}")
    known = [f"{key}={spelling(value)}" for key, value in model.values.items()]
    values = model.read(read_settings(model.name, call[1] or "", _VALUE, "value", known))
    return Chosen(model.spelled(values), model, values)


def check(name: object) -> None:
    """Raise SymlossError unless :func:`~symloss.models.build` knows the name. Nothing is imported."""
    parse(name)


def canonical(name: object) -> str:
    """Return the one spelling of a network's name: parameters in the registry's order, defaults left out.

    Raises:
        SymlossError: see :func:`parse`.
    """
    return parse(name).name
