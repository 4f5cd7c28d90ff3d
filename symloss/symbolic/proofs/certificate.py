"""A loss's gradient certificate: its response curves are finite and bounded on all of [0, 1], or where they are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from symloss.errors import SymlossError
from symloss.formula import Formula
from symloss.formula.differentiate import differentiate, specialise, times_p
from symloss.formula.fold import ZERO
from symloss.symbolic.proofs.program import Program
from symloss.symbolic.proofs.ranges import Range, prove_range
from symloss.symbolic.proofs.witnesses import Witness

#: What stays undecided where a curve is bounded but has no known limit at p = 0 or 1, as ``cos(log(p))``.
_ENDS = (0.0, 2.0**-10), (1 - 2.0**-10, 1.0)


@dataclass(frozen=True)
class Certificate:
    """What is proven of one response curve ``r_y(p) = p * dL/dp(p, y)`` on the closed interval [0, 1].

    Attributes:
        status: ``"proven"`` (the loss and the curve exist at every p inside (0, 1), the curve is continuous there, has
            a limit at both ends and is bounded), ``"refuted"`` (there is a witness) or ``"unknown"``.
        bound: when proven, a number that ``|r_y|`` never exceeds.
        witness: when refuted, where and why.
        left: when unknown, the interval of p that holds all that stayed undecided.
    """

    status: str
    bound: float | None = None
    witness: Witness | None = None
    left: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        seen = self.witness
        witness = None if seen is None else {"p": seen.p, "value": seen.value, "reason": seen.reason}
        left = None if self.left is None else list(self.left)
        return {"status": self.status, "bound": self.bound, "witness": witness, "left": left}

    def describe(self) -> str:
        """Return one line for people."""
        if self.bound is not None:
            return f"proven: at most {self.bound:.6g} in size on all of [0, 1]"
        if self.witness is not None:
            return f"refuted: {self.witness.reason}"
        low, high = self.left or (0.0, 1.0)
        return f"unknown: undecided within [{low:.6g}, {high:.6g}]"


def certify(formula: Formula) -> tuple[Certificate, Certificate]:
    """Return the certificates of r0 and r1.

    The derivative is taken of the formula's tree, p is cancelled against it in expansions at both ends, and interval
    arithmetic settles the rest, so ``"proven"`` and its bound are theorems up to the correctness of Arb (Johansson,
    "Arb: efficient arbitrary-precision midpoint-radius interval arithmetic", IEEE Transactions on Computers 66(8),
    2017). Two
    conventions: at a label, 0 times anything, ``a - a``, ``0/a`` and ``a**0`` are what they are where ``a`` has a
    value, as in 0*log(0) = 0; and where two branches of ``abs``, ``max`` and the like meet, they count as one value if
    within 2**-200 of the place their enclosures overlap and differ by less than 30 digits.
    """
    return _certify(formula, 0), _certify(formula, 1)


def response_formula(formula: Formula, label: int) -> Formula:
    """Return ``p * dL/dp(p, label)`` as a formula in ``y_pred``.

    Raises:
        SymlossError: a constant part has no finite value at the label.
    """
    return times_p(differentiate(specialise(formula, label)))


def _certify(formula: Formula, label: int) -> Certificate:
    try:
        plain = specialise(formula, label)
    except SymlossError as error:
        return Certificate("refuted", witness=Witness(0.5, None, str(error)))
    response = times_p(differentiate(plain))
    if response == ZERO and not any(node.op not in ("y_pred", "const") for node in plain.walk()):
        return Certificate("proven", bound=0.0)
    return certificate_of(prove_range(Program(plain, response)))


def certificate_of(found: Range) -> Certificate:
    """Return the certificate that a range amounts to."""
    if found.witness is not None:
        return Certificate("refuted", witness=found.witness)
    left = found.left + [place for end, place in enumerate(_ENDS) if end not in found.limits]
    if left:
        return Certificate("unknown", left=(min(low for low, _ in left), max(high for _, high in left)))
    return Certificate("proven", bound=max(abs(found.low), abs(found.high)))
