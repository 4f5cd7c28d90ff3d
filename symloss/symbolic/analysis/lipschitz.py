"""How large the logit gradient of one sample can be: bounded curves, Lipschitz in the logits, and the constant."""

from __future__ import annotations

import math

import numpy as np
from flint import arb

from symloss.formula import Formula, constant
from symloss.formula.differentiate import build
from symloss.formula.fold import ZERO
from symloss.symbolic.analysis.one_hot import REST, OneHot, floats_at, limit, number
from symloss.symbolic.analysis.property import Property, no, unknown, yes
from symloss.symbolic.proofs.program import Program
from symloss.symbolic.proofs.ranges import Range, prove_range
from symloss.symbolic.proofs.signs import prove_sign

#: By how much a proven constant may lie above a value that is reached; the first that can be proven counts.
_SLACKS = (0.0, 1e-9, 1e-6)
_RESTARTS, _KEEP, _ROUNDS = 300, 12, 25
_TINY = 1e-12


def bounded(loss: OneHot) -> Property:
    """Say whether L(p, 1) and L(p, 0) stay bounded on [0, 1], which keeps one wrong label from costing without limit.

    The notion of Ghosh, Kumar & Sastry (AAAI 2017) and of Zhang & Sabuncu (NeurIPS 2018).
    """
    found = {label: prove_range(Program(f)) for label, f in ((1, loss.f1), (0, loss.f0))}
    for label, values in found.items():
        if _grows(values):
            assert values.witness is not None
            return no(f"L(p, {label}) {values.witness.reason}")
    if all(values.proven for values in found.values()):
        # The range is of the part that varies, so only its width means something.
        scale = float(loss.scale)
        widths = ", ".join(f"L(p, {label}) within {scale * _width(values):.6g}" for label, values in found.items())
        return yes(f"values on [0, 1]: {widths}")
    return unknown(_reason(found[1], found[0]))


def _width(values: Range) -> float:
    width = values.high - values.low
    return width if width > 1e-300 else 0.0


def _grows(values: Range) -> bool:
    return values.witness is not None and values.witness.reason.startswith("grows")


def _reason(*found: Range) -> str:
    for values in found:
        if values.witness is not None:
            return values.witness.reason
    for values in found:
        if values.left:
            low, high = min(a for a, _ in values.left), max(b for _, b in values.left)
            return f"undecided within [{low:.6g}, {high:.6g}]"
    return "undecided"


def lipschitz(loss: OneHot, factor: float) -> tuple[Property, Property]:
    """Say whether the loss of a sample is Lipschitz in the logits (Euclidean), and give the constant.

    With labels y the gradient is ``sum_k r_k(p_k)*(e_k - p)``, where r is r1 for the true class and r0 for the others.
    As ``|e_k - p| <= (1-p_k)*sqrt(2)``, reached when one other class has all the rest, it is bounded when ``(1-p)*r1``
    and ``(1-p)*r0`` are. Where L(p, 0) has no effect, the constant is ``sqrt(2)*sup |(1-p)*r1(p)|``. Conversely, where
    such a curve grows without bound as its p goes to 0, the gradient does, with all other classes held inside (0, 1);
    where it grows as p goes to 1, it does if no curve grows towards 0.

    Args:
        loss: the loss.
        factor: what the reduction over classes multiplies the loss by.
    """
    curves = [build("mul", REST, r) for r in (loss.r1, loss.r0)]
    found = [prove_range(Program(curve)) for curve in curves]
    if all(values.proven for values in found):
        return yes("(1-p)*r1 and (1-p)*r0 are bounded on [0, 1]"), _constant(loss, curves[0], factor)
    for name, values, other in (("r1", found[0], found[1]), ("r0", found[1], found[0])):
        if not _grows(values):
            continue
        assert values.witness is not None
        at_zero = values.witness.p < 0.5
        if loss.wrong_inert or (loss.classes > 2 and (at_zero or other.proven or (_grows(other) and not other.left))):
            note = f"(1-p)*{name} {values.witness.reason}"
            return no(note), Property("unbounded", True, note)
    reason = _reason(*found)
    return unknown(reason), unknown(reason)


def _constant(loss: OneHot, curve: Formula, factor: float) -> Property:
    factor *= float(loss.scale)
    if loss.wrong_inert:
        reached = _largest(curve)
        for slack in _SLACKS:
            above = reached * (1 + slack)
            if _stays_below(curve, above):
                how = "the supremum" if slack == 0 else f"at most {slack:g} above it, relatively,"
                return Property(math.sqrt(2) * factor * above, True, f"sqrt(2)*sup |(1-p)*r1|: {how} by proof")
    value, place = _search(loss)
    note = f"largest gradient found among predictions for {loss.classes} classes, at p_true = {place:.4g}"
    return Property(value * factor, False, note)


def _largest(curve: Formula) -> float:
    """Return the largest size found of a bounded curve on [0, 1]."""
    t = np.concatenate([np.geomspace(_TINY, 0.01, 200), np.linspace(0.01, 0.5, 400)[1:]])
    p = np.concatenate([t, 1 - t])
    best = max((abs(number(end)) for side in (0, 1) if isinstance(end := limit(curve, side), arb)), default=0.0)
    for _ in range(3):
        with np.errstate(all="ignore"):
            sizes = np.abs(floats_at(curve, p))
        place = int(np.nanargmax(np.where(np.isfinite(sizes), sizes, -1.0)))
        best = max(best, float(sizes[place]))
        order = np.argsort(p)
        rank = int(np.nonzero(order == place)[0][0])
        low, high = p[order[max(rank - 1, 0)]], p[order[min(rank + 1, len(p) - 1)]]
        p = np.linspace(low, high, 200)
    return best


def _stays_below(curve: Formula, above: float) -> bool:
    if curve == ZERO:
        return True
    roof = constant(above)
    return all(prove_sign(build(op, roof, curve)).everywhere == 1 for op in ("sub", "add"))


def gradient_norms(loss: OneHot, p: np.ndarray) -> np.ndarray:
    """Return the norms ``[N]`` of the logit gradient at predictions ``[N, C]``, the first class being the true one."""
    p = np.clip(p, _TINY, 1 - _TINY)
    with np.errstate(all="ignore"):
        r = floats_at(loss.r0, p[:, 1:])
        r = np.concatenate([floats_at(loss.r1, p[:, 0])[:, None], r], axis=1)
        norms: np.ndarray = np.linalg.norm(r - p * r.sum(axis=1, keepdims=True), axis=1)
    return np.where(np.isfinite(norms), norms, 0.0)


def _search(loss: OneHot) -> tuple[float, float]:
    """Return the largest gradient norm found on the simplex and the true class's probability there."""
    classes = min(loss.classes, 1000)
    random = np.random.default_rng(0)
    places = [_structured(loss.classes)]
    for sharpness in (0.5, 2.0, 6.0):
        logits = sharpness * random.standard_normal((_RESTARTS // 3, classes))
        places.append(_softmax(np.pad(logits, ((0, 0), (0, loss.classes - classes)), constant_values=-30.0)))
    p = np.concatenate(places)
    norms = gradient_norms(loss, p)
    best = np.argsort(-norms)[:_KEEP]
    logits, sizes = np.log(np.clip(p[best], _TINY, 1)), norms[best]
    width = 1.0
    for _ in range(_ROUNDS if loss.classes <= 100 else 0):
        steps = random.standard_normal((8, *logits.shape)) * (random.random((8, *logits.shape)) < 0.4)
        tried = (logits + width * steps).reshape(-1, loss.classes)
        values = gradient_norms(loss, _softmax(tried)).reshape(8, -1)
        winner = values.argmax(axis=0)
        better = values.max(axis=0) > sizes
        chosen = tried.reshape(8, *logits.shape)[winner, np.arange(len(sizes))]
        logits = np.where(better[:, None], chosen, logits)
        sizes = np.maximum(sizes, values.max(axis=0))
        width *= 0.85
    top = int(np.argmax(sizes))
    return float(sizes[top]), float(_softmax(logits[top : top + 1])[0, 0])


def _structured(classes: int) -> np.ndarray:
    """Return predictions with a true class, one favoured wrong class, and the rest shared evenly."""
    levels = np.concatenate([[0.0, 1e-9, 1e-6, 1e-4, 1e-3], np.linspace(0.01, 0.99, 34), [1 - 1e-3, 1 - 1e-6, 1.0]])
    true, share = (part.ravel() for part in np.meshgrid(levels, levels))
    wrong = (1 - true) * share
    if classes == 2:
        return np.stack([true, 1 - true], axis=1)
    # The classes that share the rest.
    others = np.repeat(((1 - true - wrong) / (classes - 2))[:, None], classes - 2, axis=1)
    return np.concatenate([true[:, None], wrong[:, None], others], axis=1)


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return result
