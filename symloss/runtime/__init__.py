"""Where and how work runs: keyed random streams that make every draw reproducible, executors, and the device.

Importing this imports neither torch nor Ray nor multiprocessing: what needs them imports them when it is used.
"""

from symloss.runtime.blame import users_code
from symloss.runtime.choice import make_executor
from symloss.runtime.cluster import RayExecutor
from symloss.runtime.device import choose_device
from symloss.runtime.executor import Executor, InProcess
from symloss.runtime.memory import first_line, out_of_memory
from symloss.runtime.processes import Processes
from symloss.runtime.seeds import keyed_numpy, keyed_random, keyed_seed
from symloss.runtime.stopping import STOP_SIGNALS, Stopping, begun

__all__ = [
    "STOP_SIGNALS",
    "Executor",
    "InProcess",
    "Processes",
    "RayExecutor",
    "Stopping",
    "begun",
    "choose_device",
    "first_line",
    "keyed_numpy",
    "keyed_random",
    "keyed_seed",
    "make_executor",
    "out_of_memory",
    "users_code",
]
