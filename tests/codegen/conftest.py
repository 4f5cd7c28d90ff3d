"""The two ways to get a criterion from a formula, which must behave alike."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path

import pytest
from torch import nn

from symloss.codegen import Loss, export_torch
from symloss.codegen.export_torch import class_name
from symloss.formula import parse_formula


@pytest.fixture(scope="session", params=["library", "exported"])
def make(request, tmp_path_factory):
    """Return ``make(formula, **options)``, a criterion from `Loss` or from an exported file's class."""
    if request.param == "library":
        return Loss
    folder = tmp_path_factory.mktemp("exported")

    @cache
    def exported(text: str, class_reduction: str, output: str) -> type[nn.Module]:
        name = f"exported{len(list(folder.iterdir()))}"
        path = Path(folder, f"{name}.py")
        source = export_torch(parse_formula(text), name=name, class_reduction=class_reduction, output=output)
        path.write_text(source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # pickle looks for the class there
        spec.loader.exec_module(module)
        return getattr(module, class_name(name))

    def make_exported(
        text: str, *, class_reduction: str = "sum", output: str = "softmax", **options: object
    ) -> nn.Module:
        return exported(text, class_reduction, output)(**options)

    return make_exported
