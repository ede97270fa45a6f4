"""Packages that a recipe is for, and that may be absent."""

from __future__ import annotations

import importlib
import importlib.util
import os
import types

import pytest


def need(name: str) -> None:
    """Skips a recipe without the package that it is for, unless NDSHARRAY_REQUIRE_RECIPES is set."""
    if not os.environ.get("NDSHARRAY_REQUIRE_RECIPES") and importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")


def package(name: str) -> types.ModuleType:
    """Imports a package that a recipe needs."""
    need(name)
    return importlib.import_module(name)
