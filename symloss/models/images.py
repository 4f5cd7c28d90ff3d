"""Whether a network takes a task's images, said before anything is built."""

from __future__ import annotations

from symloss.errors import SymlossError
from symloss.models.model import Request

#: Doublings that ``upsample`` allows.
MOST_DOUBLINGS = 5


def check_images(request: Request, least: int, colours: bool = True, multiple: int = 1, square: bool = False) -> None:
    """Raise SymlossError unless the samples are images that a network takes, after it has up-sampled them.

    Args:
        request: what is asked for; its parameter ``upsample``, where there is one, doubles both sides so many times.
        least: the shortest side in pixels.
        colours: whether the network takes three channels, or one repeated; else it takes any number.
        multiple: what both sides must be divisible by.
        square: whether both sides must be equal.
    """
    who, shape = f"the model {request.name!r}", request.shape
    if len(shape) != 3 or min(shape) < 1:
        raise SymlossError(
            f"{who} needs images of (channels, height, width); the samples have the shape {shape}: choose 'mlp', or "
            "bring them into that form"
        )
    if colours and shape[0] not in (1, 3):
        hint = ": bring channels first, where they are last" if shape[2] in (1, 3) else ""
        raise SymlossError(
            f"{who} needs images of 3 channels, or of 1, which is repeated; the samples have the shape {shape}{hint}"
        )
    doublings = int(request.values.get("upsample", 0))
    height, width = (side << doublings for side in shape[1:])
    if _fits(height, width, least, multiple, square):
        return
    rule = [f"of at least {least}x{least} pixels"]
    rule += [f"with sides divisible by {multiple}"] if multiple > 1 else []
    rule += ["as high as wide"] if square else []
    where = f", up-sampled from {shape[1]}x{shape[2]}," if doublings else ""
    raise SymlossError(
        f"{who} needs images {', '.join(rule)}; these have{where} {height}x{width}: "
        + _remedy(request, least, multiple, square)
    )


def _fits(height: int, width: int, least: int, multiple: int, square: bool) -> bool:
    divisible = height % multiple == 0 and width % multiple == 0
    return min(height, width) >= least and divisible and (height == width or not square)


def _remedy(request: Request, least: int, multiple: int, square: bool) -> str:
    _, height, width = request.shape
    if "upsample" in request.values:
        for n in range(MOST_DOUBLINGS + 1):
            if _fits(height << n, width << n, least, multiple, square):
                return f"upsample={n} makes {height << n}x{width << n} of them"
    return "resize them, or choose another network"
