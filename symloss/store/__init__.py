"""Run directories: what a search did, kept so that it can be resumed, shown and exported."""

from symloss.files import write_atomic
from symloss.store.database import Database
from symloss.store.run import Run, default_run_dir, find_loss

__all__ = ["Database", "Run", "default_run_dir", "find_loss", "write_atomic"]
