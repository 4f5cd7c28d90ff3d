"""A run's page: one HTML file with everything a reader asks of a search."""

from symloss.report.page.page import PAGE_FILE, page, save_page

__all__ = ["PAGE_FILE", "page", "save_page"]
