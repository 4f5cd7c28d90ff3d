"""Random changes of a whole batch at once, on the device that trains."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

#: Black pixels around an image, with "crop-flip".
_PAD = 4
#: Of each side, with "paper": Keras's zoom_range=0.2 and shift ranges of 0.1.
_ZOOM, _SHIFT = 0.2, 0.1


def augmented(name: str, images: Tensor, masks: Tensor | None, draws: np.ndarray) -> tuple[Tensor, Tensor | None]:
    """Return a batch as an augmentation changes it.

    Args:
        name: a name in :data:`~symloss.training.AUGMENTATIONS`.
        images: ``[B, C, H, W]`` uint8.
        masks: ``[B, H, W]`` or None.
        draws: ``[B, n]`` in [0, 1): what :func:`~symloss.training.draws.uniforms` has for these images.

    Returns:
        The images, uint8 or float32 from 0 to 255, and the masks.
    """
    if name == "none":
        return images, masks
    flip = torch.from_numpy(draws[:, 0] < 0.5).to(images.device)
    if name == "crop-flip":
        places = (draws[:, 1:3] * (2 * _PAD + 1)).astype(np.int64)  # in float64, where no draw rounds up to 1
        return _cropped(images, flip, torch.from_numpy(places).to(images.device)), masks
    if name == "paper":
        images = _moved(images, flip, torch.from_numpy(draws[:, 1:5]).to(images.device, torch.float32))
        return images, masks
    # The others are mirrored here alone, the rest being done where each image is read.
    images = torch.where(flip[:, None, None, None], images.flip(-1), images)
    return images, None if masks is None else torch.where(flip[:, None, None], masks.flip(-1), masks)


def _cropped(images: Tensor, flip: Tensor, places: Tensor) -> Tensor:
    batch, channels, height, width = images.shape
    device = images.device
    top, left = places.unbind(1)
    padded = F.pad(images, (_PAD,) * 4)
    rows = top[:, None] + torch.arange(height, device=device)
    columns = torch.arange(width, device=device).expand(batch, -1)
    columns = left[:, None] + torch.where(flip[:, None], columns.flip(1), columns)
    # One index into the whole tensor: half the time of indexing along four dimensions.
    index = rows[:, :, None] * padded.shape[3] + columns[:, None, :]
    return padded.flatten(2).gather(2, index.flatten(1)[:, None].expand(-1, channels, -1)).view(images.shape)


def _moved(images: Tensor, flip: Tensor, draws: Tensor) -> Tensor:
    """Sample each image where its zoomed, shifted and mirrored grid lies, bilinearly."""
    zoom = 1 - _ZOOM + 2 * _ZOOM * draws[:, :2]
    # The grid reaches from -1 to 1: a shift by a share s of the side is one by 2 s.
    shift = 2 * _SHIFT * (2 * draws[:, 2:] - 1)
    matrix = torch.zeros(len(images), 2, 3, device=images.device)
    matrix[:, 0, 0] = torch.where(flip, -zoom[:, 0], zoom[:, 0])
    matrix[:, 1, 1] = zoom[:, 1]
    matrix[:, :, 2] = shift
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    return F.grid_sample(images.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
