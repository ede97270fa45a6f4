"""What the site takes from elsewhere in this folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from griffe import Class, Extension, Function, Parameter, Parameters
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

BENCH = Path(__file__).parent.parent / "bench"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the picture from where `python/bench/speed.py` draws it."""
    files.append(File.generated(config, "speed.png", abs_src_path=str(BENCH / "speed.png")))
    return files


class Constructors(Extension):
    """Has the parameters of `__new__` be those of the class: native classes have no `__init__`."""

    def on_class_members(self, *, cls: Class, **_: Any) -> None:
        """Give the class an `__init__` with the same parameters."""
        new = cls.members.get("__new__")
        if isinstance(new, Function) and "__init__" not in cls.members:
            parameters = [parameter for parameter in new.parameters if parameter.name != "cls"]
            this = Parameter("self", kind=next(iter(new.parameters)).kind)
            made = Function("__init__", parameters=Parameters(this, *parameters), lineno=new.lineno)
            cls.set_member("__init__", made)
