from __future__ import annotations

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from symloss.codegen.tables import (
    GRID_P,
    GRID_Q,
    GRID_SIZE,
    AutogradGradients,
    MixedGradients,
    TableGradients,
    build_table,
    table_error,
)
from symloss.errors import SymlossError


def classwise(loss):
    """Return the criterion of a loss of (p, y): summed over classes, mean over samples."""

    def criterion(logits, target):
        p = logits.softmax(-1)
        y = F.one_hot(target, logits.shape[-1]).to(p.dtype)
        return loss(p, y).sum(-1).mean()

    return criterion


def focal(logits, target):
    log_p = logits.log_softmax(-1).gather(-1, target[:, None])[:, 0]
    return (-((1 - log_p.exp()) ** 2) * log_p).mean()


def ngl_response(p, _):
    def slope(y):
        inner = np.sin(p)
        return -(1 + y) * np.exp(2.4092 - p * (1 + y)) - np.sin(np.cos(inner)) * np.sin(inner) * np.cos(p)

    return p * slope(0), p * slope(1)


#: name -> (response curves derived by hand, criterion)
LOSSES = {
    "cross-entropy": (lambda p, q: (0 * p, 0 * p - 1), F.cross_entropy),
    "brier": (lambda p, q: (2 * p * p, -2 * p * q), classwise(lambda p, y: (p - y) ** 2)),
    "mae": (lambda p, q: (0 * p, -p), classwise(lambda p, y: -p * y)),
    "focal": (lambda p, q: (0 * p, 2 * p * q * np.log(np.maximum(p, 1e-300)) - q * q), focal),
    "gce": (lambda p, q: (0 * p, -(p**0.7)), classwise(lambda p, y: -y * p**0.7 / 0.7)),
    "ngl": (
        ngl_response,
        classwise(lambda p, y: torch.exp(2.4092 - p * (1 + y)) - torch.cos(torch.cos(torch.sin(p)))),
    ),
}


def tables(*names):
    return torch.stack([build_table(*LOSSES[name][0](GRID_P, GRID_Q)) for name in names])


def draw_logits(seed, shape, scale):
    rng = np.random.default_rng(seed)
    logits = np.clip(scale * rng.standard_normal(shape), -50, 50)
    target = rng.integers(0, shape[-1], (shape[0], shape[2]))
    return torch.tensor(logits, dtype=torch.float32), torch.tensor(target)


def exact_gradient(criterion, logits, target):
    z = logits.double().requires_grad_()
    return torch.autograd.grad(criterion(z, target), z)[0]


def test_grid_has_full_relative_precision_at_both_ends():
    with mpmath.workdps(40):
        for index in (0, 1, GRID_SIZE // 2, GRID_SIZE - 2, GRID_SIZE - 1):
            u = mpmath.mpf(-30) + mpmath.mpf(47) * index / (GRID_SIZE - 1)
            assert GRID_P[index] == pytest.approx(float(1 / (1 + mpmath.exp(-u))), rel=1e-14)
            assert GRID_Q[index] == pytest.approx(float(1 / (1 + mpmath.exp(u))), rel=1e-14)
    assert GRID_P.dtype == np.float64
    assert GRID_P[0] < 1e-12
    assert GRID_Q[-1] < 6e-8


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 2),
    st.integers(1, 40),
    st.integers(2, 12),
    st.sampled_from([0.0, 0.1, 1.0, 5.0, 20.0, 50.0]),
)
@settings(max_examples=40, deadline=None)
def test_gradients_agree_with_autograd_in_float64(seed, seeds, batch, classes, scale):
    logits, target = draw_logits(seed, (seeds, len(LOSSES), batch, classes), scale)
    found = TableGradients(tables(*LOSSES))(logits, target)
    assert found.shape == logits.shape
    for s in range(seeds):
        for k, (_, criterion) in enumerate(LOSSES.values()):
            expected = exact_gradient(criterion, logits[s, k], target[s])
            # float32's own rounding: a few ulp of the largest response per sample, and exp of a rounded logit
            tolerance = 3e-6 * (np.exp(2.4092) if k == 5 else 1) / batch
            assert torch.allclose(found[s, k].double(), expected, rtol=2e-5, atol=tolerance)


@pytest.mark.parametrize("name", LOSSES)
def test_small_gradients_keep_their_relative_precision(name):
    # One true class among a hundred at p = 1e-4 and below, where training on many classes starts.
    logits = torch.zeros(1, 1, 1, 100)
    logits[..., 0] = -6
    target = torch.zeros(1, 1, dtype=torch.long)
    expected = exact_gradient(LOSSES[name][1], logits[0, 0], target[0])
    found = TableGradients(tables(name))(logits, target)[0, 0].double()
    # Relative to the sample's largest entry: all of them are as small as p itself for mae or brier.
    assert (found - expected).abs().max() < 5e-6 * expected.abs().max()


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_diverged_network_touches_no_other(value):
    logits, target = draw_logits(0, (2, 4, 7, 5), 3.0)
    gradients = TableGradients(tables("brier", "mae", "ngl", "gce"))
    clean = gradients(logits, target).clone()
    logits[1, 2, 3, 0] = value
    found = gradients(logits, target)
    keep = torch.ones(2, 4, dtype=torch.bool)
    keep[1, 2] = False
    assert torch.equal(found[keep], clean[keep])
    if value != -torch.inf:  # an infinitely unlikely class is a finite gradient
        assert not found[1, 2, 3].isfinite().all()


@pytest.mark.parametrize("batch", [1, 37, 100, 128])
@pytest.mark.parametrize("threads", [1, 2])
def test_bits_do_not_depend_on_neighbours_or_place(batch, threads):
    names = [name for name in LOSSES for _ in range(11)]
    logits, target = draw_logits(1, (1, len(names), batch, 10), 4.0)
    setting = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        gradients = TableGradients(tables(*names))
        together = gradients(logits, target).clone()
        order = np.random.default_rng(batch).permutation(len(names)).tolist()
        shuffled = gradients.select(order)(logits[:, order], target)
        assert torch.equal(shuffled, together[:, order])
        for k in (0, 5, len(names) - 1):
            assert torch.equal(gradients.select([k])(logits[:, [k]], target)[:, 0], together[:, k])
    finally:
        torch.set_num_threads(setting)


def test_layout_of_the_logits_does_not_matter():
    logits, target = draw_logits(2, (2, 3, 16, 10), 4.0)
    gradients = TableGradients(tables("brier", "gce", "ngl"))
    expected = gradients(logits, target).clone()
    other = logits.transpose(2, 3).contiguous().transpose(2, 3)
    assert torch.equal(gradients(other, target), expected)


def test_batch_size_may_change_between_calls():
    gradients = TableGradients(tables("brier"))
    logits, target = draw_logits(3, (1, 1, 20, 10), 4.0)
    whole = gradients(logits, target).clone()
    half = gradients(logits[:, :, :10], target[:, :10])
    assert torch.allclose(half, 2 * whole[:, :, :10], rtol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_smooth_curves_are_resolved(name):
    assert table_error(tables(name)[0], LOSSES[name][0]) < 3e-7


def test_error_sees_a_jump_anywhere_in_a_cell():
    for shift in np.linspace(0.003, 0.0125, 7):
        place = 1 / (1 + np.exp(-(1.0 + shift)))

        def jump(p, q, place=place):
            return 0 * p, np.where(p < place, -1.0, 1.0)

        assert table_error(build_table(*jump(GRID_P, GRID_Q)), jump) > 0.4


@pytest.mark.parametrize("frequency", [20, 60, 150])
def test_error_is_the_largest_anywhere(frequency):
    def wave(p, q):
        return 0 * p, np.sin(frequency * p)

    p = np.linspace(0.5, 0.6, 10_001)
    logits = torch.tensor(np.stack([np.log(p), np.log(1 - p)], -1), dtype=torch.float32)
    target = torch.zeros(1, len(p), dtype=torch.long)
    # With two classes and r0 = 0 the true class's gradient is (1 - p) * r1 / B.
    table = build_table(*wave(GRID_P, GRID_Q))
    found = TableGradients(table[None])(logits[None, None], target)[0, 0, :, 0].double().numpy()
    largest = np.abs(found * len(p) / (1 - p) - wave(p, 1 - p)[1]).max()
    reported = table_error(table, wave)
    assert 0.8 * largest - 2e-5 < reported < 1.3 * largest + 2e-5
    assert frequency < 100 or reported > 1e-4  # so that the test is about more than rounding


def test_error_is_relative_to_each_curve_and_infinite_without_a_value():
    def scaled(p, q):
        return 1e-6 * np.sin(40 * p), -1e6 * p

    error = table_error(build_table(*scaled(GRID_P, GRID_Q)), scaled)
    alone = table_error(build_table(np.sin(40 * GRID_P), 0 * GRID_P), lambda p, q: (np.sin(40 * p), 0 * p))
    assert error == pytest.approx(alone, rel=0.1)
    assert error > 1e-7
    table = build_table(0 * GRID_P, 0 * GRID_P)
    assert table_error(table, lambda p, q: (0 * p, 0 * p)) == 0
    assert table_error(table, lambda p, q: (0 * p, np.full_like(p, np.nan))) == np.inf


def test_build_table_refuses_what_float32_cannot_hold():
    good = np.zeros(GRID_SIZE)
    for value in (np.nan, np.inf, 1e39):
        bad = good.copy()
        bad[7] = value
        with pytest.raises(SymlossError, match=r"r1 is .* at p = 1.0"):
            build_table(good, bad)
    with pytest.raises(SymlossError, match=r"r0 has shape \(3,\)"):
        build_table(np.zeros(3), good)


def test_autograd_gradients_are_per_network_means():
    criterions = [criterion for _, criterion in LOSSES.values()]
    logits, target = draw_logits(5, (3, len(criterions), 6, 4), 2.0)
    found = AutogradGradients(criterions)(logits, target)
    for s in range(3):
        for k, criterion in enumerate(criterions):
            expected = exact_gradient(criterion, logits[s, k], target[s])
            assert torch.allclose(found[s, k].double(), expected, rtol=1e-4, atol=1e-5)


def test_autograd_gradients_work_inside_no_grad():
    logits, target = draw_logits(5, (1, 1, 6, 4), 2.0)
    with torch.no_grad():
        assert AutogradGradients([F.cross_entropy])(logits, target).abs().max() > 0


def mixed():
    table = TableGradients(tables("brier", "ngl"))
    autograd = AutogradGradients([F.cross_entropy, focal])
    return MixedGradients([table, autograd], [[2, 0], [1, 3]])


def test_mixed_gradients_put_each_loss_in_its_place():
    logits, target = draw_logits(6, (2, 4, 8, 5), 2.0)
    found = mixed()(logits, target)
    for k, name in enumerate(["ngl", "cross-entropy", "brier", "focal"]):
        expected = TableGradients(tables(name))(logits[:, [k]], target)
        assert torch.allclose(found[:, [k]], expected, rtol=1e-4, atol=1e-5)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6))
@settings(max_examples=30, deadline=None)
def test_mixed_gradients_select_any_losses_in_any_order(members):
    logits, target = draw_logits(7, (1, 4, 8, 5), 2.0)
    whole = mixed()(logits, target)
    part = mixed().select(members)
    assert len(part) == len(members)
    assert torch.equal(part(logits[:, members], target), whole[:, members])


def test_mixed_gradients_refuse_places_that_do_not_fit():
    table = TableGradients(tables("brier", "ngl"))
    for members in ([[0]], [[0, 2]], [[1, 1]], [[0, 1], [2]]):
        with pytest.raises(SymlossError, match="name each place"):
            MixedGradients([table], members)


def test_wrong_shapes_are_refused():
    with pytest.raises(SymlossError, match=r"it must be \[K, 2,"):
        TableGradients(torch.zeros(3, GRID_SIZE))
    with pytest.raises(SymlossError, match="at least 1"):
        AutogradGradients([])
    logits, target = draw_logits(8, (1, 3, 8, 5), 2.0)
    with pytest.raises(SymlossError, match="logits are of 3 losses, the tables of 2"):
        TableGradients(tables("brier", "ngl"))(logits, target)
