"""Whose fault an exception is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from symloss.errors import SymlossError
from symloss.factory import described, is_factory, own_frames
from symloss.runtime.memory import out_of_memory


@contextmanager
def users_code(kind: str, name: str, doing: str) -> Iterator[None]:
    """Say whose fault it is when what a user's factory made fails later on.

    Errors that are ours to tell, and those of memory, pass as they are, and so does everything where ``name`` is not a
    factory's.

    Args:
        kind: what the factory makes: "dataset" or "model".
        name: the factory.
        doing: what it was doing, such as "in training".

    Raises:
        SymlossError: in the place of any other exception; it names the user's file and line.
    """
    try:
        yield
    except (SymlossError, MemoryError):
        raise
    except Exception as error:
        # What autograd finds wrong with a network it says in the backward pass, where no line of the user's is.
        theirs = is_factory(name) and (own_frames(error) or isinstance(error, RuntimeError))
        if not theirs or out_of_memory(error):
            raise
        raise SymlossError(f"the {kind} {name!r} failed {doing}: {described(error)}") from error
