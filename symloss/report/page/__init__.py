"""One HTML file with everything a reader asks of a search, or of a benchmark."""

from symloss.report.page.benchmark import benchmark_page, save_benchmark_page
from symloss.report.page.page import PAGE_FILE, page, save_page

__all__ = ["PAGE_FILE", "benchmark_page", "page", "save_benchmark_page", "save_page"]
