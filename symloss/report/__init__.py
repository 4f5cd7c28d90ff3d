"""What a person sees: tables and the live view of a search."""

from symloss.report.live import LiveView, NetworkBar
from symloss.report.tables import benchmark_tables, evolve_summary, stopped_summary

__all__ = ["LiveView", "NetworkBar", "benchmark_tables", "evolve_summary", "stopped_summary"]
