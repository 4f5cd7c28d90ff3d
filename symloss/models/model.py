"""What the registry holds: a network with its parameters, its paper and how it is built."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from symloss.errors import SymlossError, unknown

if TYPE_CHECKING:  # torch takes seconds to import, and listings need none of it
    from torch import nn

#: What a parameter can be set to.
Value = bool | int | float | str

_BOOLEANS = {"true": True, "false": False}
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


@dataclass(frozen=True)
class Parameter:
    """What the user of a network may choose. The default says what kind it is: a switch, a number or a word.

    Attributes:
        default: the value where none is given.
        meaning: one line on what it does.
        choices: of a word, the words allowed.
        low: of a number, the smallest value allowed.
        high: of a number, the largest value allowed.
    """

    default: Value
    meaning: str
    choices: tuple[str, ...] = ()
    low: float = 0
    high: float = 0

    @property
    def allowed(self) -> str:
        """The allowed values in words, such as ``"true or false"`` or ``"a whole number from 0 to 5"``."""
        if isinstance(self.default, bool):
            return "true or false"
        if isinstance(self.default, str):
            return " or ".join(self.choices)
        kind = "a whole number" if isinstance(self.default, int) else "a number"
        return f"{kind} from {self.low:g} to {self.high:g}"

    def read(self, text: str, owner: str) -> Value:
        """Return the value that a text writes; ``owner`` is for messages, such as ``"aux of inception-v3"``.

        Raises:
            SymlossError: it writes none that is allowed.
        """
        word = text.lower()
        value: Value | None = None
        if isinstance(self.default, bool):
            value = _BOOLEANS.get(word)
        elif isinstance(self.default, str):
            value = word if word in self.choices else None
        elif (_WHOLE if isinstance(self.default, int) else _NUMBER).fullmatch(text):
            number = int(text) if isinstance(self.default, int) else float(text)
            value = number + 0 if self.low <= number <= self.high else None  # 0 and -0 are one
        if value is None:
            raise SymlossError(f"{owner} is {text!r}; it must be {self.allowed}: {self.meaning}")
        return value


def spelling(value: Value) -> str:
    """Return the text that :meth:`Parameter.read` reads as a value: the same for equal values."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Request:
    """What a network is built for.

    Attributes:
        name: how the user asked for it, spelled canonically, for messages.
        shape: of a sample; of images (channels, height, width).
        classes: the number of classes C, at least 1.
        hidden: the width of the networks that have no width of their own (``mlp`` and ``cnn``).
        values: every parameter of the model.
    """

    name: str
    shape: tuple[int, ...]
    classes: int
    hidden: int
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Model:
    """A network that can be asked for by name.

    Attributes:
        name: its key in :data:`~symloss.models.MODELS`.
        task: ``"classification"`` (logits ``[B, C]``) or ``"segmentation"`` (logits ``[B, C, H, W]``).
        description: one line for listings.
        build: makes the network; its layers draw their weights from torch's generator.
        paper: where it was published; empty for plain networks.
        parameters: what the user may choose, by name.
        defaults: the settings of :class:`~symloss.tasks.TaskConfig` that suit it, where they differ from the defaults.
        initialise: replaces the drawn weights by those of a seed, where the network has its own.
        conflict: from all values to why they do not go together, or None; where a value would be without effect, so
            that equal networks have one name.
    """

    name: str
    task: str
    description: str
    build: Callable[[Request], nn.Module]
    paper: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)
    initialise: Callable[[nn.Module, int], None] | None = None
    conflict: Callable[[Mapping[str, Value]], str | None] | None = None

    @property
    def values(self) -> dict[str, Value]:
        """The defaults of the parameters."""
        return {name: parameter.default for name, parameter in self.parameters.items()}

    def read(self, settings: Mapping[str, str]) -> dict[str, Value]:
        """Return the values of all parameters, some of them given as text.

        Raises:
            SymlossError: no such parameter, a value that is not allowed, or values that do not go together.
        """
        values = self.values
        for name, text in settings.items():
            if name not in self.parameters:
                if not self.parameters:
                    raise SymlossError(f"the model {self.name!r} has no parameters, but {name!r} was given; drop it")
                raise SymlossError(unknown(f"parameter of {self.name}", name, self.parameters))
            values[name] = self.parameters[name].read(text, f"{name} of {self.name}")
        conflict = self.conflict(values) if self.conflict else None
        if conflict:
            raise SymlossError(f"the model {self.spelled(values)!r} is no network: {conflict}")
        return values

    def spelled(self, values: Mapping[str, Value]) -> str:
        """Return the name with the values that differ from the defaults: one spelling for one network."""
        changed = [f"{key}={spelling(values[key])}" for key, p in self.parameters.items() if values[key] != p.default]
        return f"{self.name}({', '.join(changed)})" if changed else self.name
