"""What is installed, and for which Python."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]


def requirements(name: str) -> list[Requirement]:
    lines = (ROOT / name).read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "requirements-bench.txt"])
def test_every_package_is_pinned_to_one_version_for_all_pythons(name: str) -> None:
    found = requirements(name)
    assert found
    for one in found:
        assert [part.operator for part in one.specifier] == ["=="], one
        assert "python_version" not in str(one.marker), one


def test_make_takes_the_pythons_that_the_project_supports() -> None:
    supported = SpecifierSet(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"])
    named = [f"3.{minor}" for minor in range(8, 20) if f"3.{minor}.0" in supported]
    # The last Pillow for 3.10 has a hole in its JPEG decoder, and the Draw page opens JPEG files.
    assert named == ["3.11", "3.12", "3.13"]
    makefile = (ROOT / "Makefile").read_text()
    assert [version for version in ("3.9", "3.10", *named, "3.14") if f"python{version} " in makefile] == named
    assert f"version not in {tuple(named)}".replace("'", '"') in makefile
