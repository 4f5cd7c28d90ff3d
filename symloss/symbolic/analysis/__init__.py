"""The properties of a loss that decide what training with it does, proven where that is possible."""

from symloss.symbolic.analysis.properties import properties
from symloss.symbolic.analysis.property import Property

__all__ = ["Property", "properties"]
