"""The command line. It imports every other package and none imports it."""

from symloss.cli.app import main

__all__ = ["main"]
