"""How the native half was built."""

from __future__ import annotations

import warnings


def warn_of_debug(is_debug: bool) -> None:
    """Warn the program that imports the package of a build that is far slower than those for users."""
    if is_debug:
        message = "this build of ndsharray_rs is not optimised, and many times slower: build it with `--release`"
        warnings.warn(message, RuntimeWarning, stacklevel=3)
