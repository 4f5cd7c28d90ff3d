"""What each function of the whitelist is in torch and in exported source."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from symloss.codegen import stable


@dataclass(frozen=True)
class Operation:
    """One operation.

    Attributes:
        torch: the callable on tensors; of two arguments one may be a number.
        source: the template of exported source; a name without ``torch.`` is a function of ``stable``.
        strength: how tightly the source binds, from 1 (sum) to 5 (a call).
    """

    torch: Callable[..., Any]
    source: str
    strength: int = 5


#: Every function and operator that a formula may use.
OPERATIONS: dict[str, Operation] = {
    "add": Operation(operator.add, "{0} + {1}", 1),
    "sub": Operation(operator.sub, "{0} - {1}", 1),
    "mul": Operation(operator.mul, "{0} * {1}", 2),
    "div": Operation(operator.truediv, "{0} / {1}", 2),
    "neg": Operation(operator.neg, "-{0}", 3),
    "pow": Operation(stable.power, "power({0}, {1})"),
    "exp": Operation(torch.exp, "torch.exp({0})"),
    "log": Operation(torch.log, "torch.log({0})"),
    "sqrt": Operation(stable.sqrt, "sqrt({0})"),
    "square": Operation(torch.square, "torch.square({0})"),
    "abs": Operation(torch.abs, "torch.abs({0})"),
    "sign": Operation(torch.sign, "torch.sign({0})"),
    "sin": Operation(torch.sin, "torch.sin({0})"),
    "cos": Operation(torch.cos, "torch.cos({0})"),
    "tan": Operation(torch.tan, "torch.tan({0})"),
    "sinh": Operation(torch.sinh, "torch.sinh({0})"),
    "cosh": Operation(torch.cosh, "torch.cosh({0})"),
    "tanh": Operation(torch.tanh, "torch.tanh({0})"),
    "asinh": Operation(torch.asinh, "torch.asinh({0})"),
    "atan": Operation(torch.atan, "torch.atan({0})"),
    "erf": Operation(torch.erf, "torch.erf({0})"),
    "erfc": Operation(torch.erfc, "torch.erfc({0})"),
    "i0": Operation(torch.special.i0, "torch.special.i0({0})"),
    "i0e": Operation(torch.special.i0e, "torch.special.i0e({0})"),
    "i1": Operation(torch.special.i1, "torch.special.i1({0})"),
    "i1e": Operation(torch.special.i1e, "torch.special.i1e({0})"),
    "sigmoid": Operation(torch.sigmoid, "torch.sigmoid({0})"),
    "softplus": Operation(stable.softplus, "softplus({0})"),
    "relu": Operation(torch.relu, "torch.relu({0})"),
    "max": Operation(stable.maximum, "maximum({0}, {1})"),
    "min": Operation(stable.minimum, "minimum({0}, {1})"),
}

#: Functions that no formula names; the stable rewriting and responses introduce them.
INTERNAL: dict[str, Operation] = {
    "expm1": Operation(stable.expm1, "expm1({0})"),
    "log1p": Operation(torch.log1p, "torch.log1p({0})"),
    "rsqrt": Operation(stable.rsqrt, "rsqrt({0})"),
    "power_slope": Operation(stable.power_slope, "power_slope({0}, {1})"),
    "xlogy": Operation(stable.xlogy, "xlogy({0}, {1})"),
    "pick": Operation(stable.pick, "pick({0}, {1}, {2}, {3})"),
    "copy": Operation(stable.copy, "{0}.clone()"),
    "i1_slope": Operation(stable.i1_slope, "i1_slope({0})"),
    "i1e_slope": Operation(stable.i1e_slope, "i1e_slope({0})"),
}

ALL: dict[str, Operation] = OPERATIONS | INTERNAL
