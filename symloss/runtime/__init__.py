"""Where and how work runs: here, the keyed random streams that make every draw reproducible."""

from symloss.runtime.seeds import keyed_numpy, keyed_random, keyed_seed

__all__ = ["keyed_numpy", "keyed_random", "keyed_seed"]
