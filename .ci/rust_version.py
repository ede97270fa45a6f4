"""Checks that no package needs a newer compiler than `rust-version`: reads `cargo metadata`."""

from __future__ import annotations

import json
import sys


def version(text: str) -> list[int]:
    return [int(part) for part in text.split(".")][:2]


graph = json.load(sys.stdin)
packages = {package["id"]: package for package in graph["packages"]}
nodes = {node["id"]: node for node in graph["resolve"]["nodes"]}
todo = [package["id"] for package in graph["packages"] if package["name"] in ("ndsharray", "ndsh")]
declared = packages[todo[0]]["rust_version"]
seen: set[str] = set()
while todo:
    package = todo.pop()
    if package in seen:
        continue
    seen.add(package)
    needs = packages[package]["rust_version"]
    if needs and version(needs) > version(declared):
        sys.exit(f"{packages[package]['name']} needs Rust {needs}, but rust-version says {declared}")
    todo += [
        dependency["pkg"]
        for dependency in nodes[package]["deps"]
        if any(kind["kind"] != "dev" for kind in dependency["dep_kinds"])
    ]
print(f"{len(seen)} packages build with Rust {declared} by their own word")
