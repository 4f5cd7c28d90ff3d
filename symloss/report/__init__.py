"""What a person sees: tables, the live view of a search, and the curves of a loss."""

from symloss.report.curves import draw_curves
from symloss.report.figure import check_figure, save_figure
from symloss.report.live import DrawBar, LiveView, WorkBar
from symloss.report.loss import loss_tables
from symloss.report.screens import check_tables, sample_tables
from symloss.report.tables import benchmark_tables, evolve_summary, stopped_summary

__all__ = [
    "DrawBar",
    "LiveView",
    "WorkBar",
    "benchmark_tables",
    "check_figure",
    "check_tables",
    "draw_curves",
    "evolve_summary",
    "loss_tables",
    "sample_tables",
    "save_figure",
    "stopped_summary",
]
