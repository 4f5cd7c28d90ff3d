"""What a person sees: tables, the live view of a search, and the curves of a loss."""

from symloss.report.benchmark import benchmark_tables
from symloss.report.benchmark_figures import check_figures, save_benchmark_figures
from symloss.report.benchmark_files import benchmark_csv, benchmark_latex
from symloss.report.curves import draw_curves
from symloss.report.figure import check_figure, save_figure
from symloss.report.live import CellBar, DrawBar, LiveView, Verbosity
from symloss.report.loss import loss_tables
from symloss.report.page import save_benchmark_page, save_page
from symloss.report.provenance import provenance_lines
from symloss.report.screens import check_tables, sample_tables
from symloss.report.tables import evolve_summary, stopped_summary

__all__ = [
    "CellBar",
    "DrawBar",
    "LiveView",
    "Verbosity",
    "benchmark_csv",
    "benchmark_latex",
    "benchmark_tables",
    "check_figure",
    "check_figures",
    "check_tables",
    "draw_curves",
    "evolve_summary",
    "loss_tables",
    "provenance_lines",
    "sample_tables",
    "save_benchmark_figures",
    "save_benchmark_page",
    "save_figure",
    "save_page",
    "stopped_summary",
]
