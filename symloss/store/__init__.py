"""Run directories: what a search did, kept so that it can be resumed, shown and exported."""

from symloss.files import write_atomic
from symloss.store.database import Database
from symloss.store.history import History, Trained, read_history
from symloss.store.run import DATABASE_FILE, Run, default_run_dir, find_loss, origin_of, read_result

__all__ = [
    "DATABASE_FILE",
    "Database",
    "History",
    "Run",
    "Trained",
    "default_run_dir",
    "find_loss",
    "origin_of",
    "read_history",
    "read_result",
    "write_atomic",
]
