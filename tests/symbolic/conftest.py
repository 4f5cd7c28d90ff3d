"""The random formulas and the mpmath values of the formula tests, and derivatives beside them."""

import importlib
import importlib.util
import sys
from pathlib import Path

import mpmath
import pytest

_PATH = Path(__file__).parents[1] / "formula" / "conftest.py"
_SPEC = importlib.util.spec_from_file_location("formula_references", _PATH)
_REFERENCES = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_REFERENCES)

formulas = _REFERENCES.formulas
reference = _REFERENCES.reference


@pytest.fixture(scope="session")
def slope(reference):
    """dL/dp of a formula, numerically at 60 digits: good to 40."""

    def differentiate(formula, p, y):
        with mpmath.workdps(60):
            return mpmath.diff(lambda x: reference.raw(formula, x, y), mpmath.mpf(p))

    return differentiate


@pytest.fixture(scope="module")
def scripts():
    """A function that imports a script of experiments/quality by name: they own the generators, and are no package."""
    folder = str(Path(__file__).parents[2] / "experiments" / "quality")
    sys.path.insert(0, folder)
    yield importlib.import_module
    sys.path.remove(folder)
