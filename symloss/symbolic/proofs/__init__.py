"""Proofs about formulas in p on [0, 1], by intervals inside and expansions with proven remainders at both ends."""

from symloss.symbolic.proofs.certificate import Certificate, certify
from symloss.symbolic.proofs.program import Program
from symloss.symbolic.proofs.ranges import Range, prove_range
from symloss.symbolic.proofs.signs import Signs, prove_sign, resolve_switches
from symloss.symbolic.proofs.witnesses import Witness

__all__ = [
    "Certificate",
    "Program",
    "Range",
    "Signs",
    "Witness",
    "certify",
    "prove_range",
    "prove_sign",
    "resolve_switches",
]
