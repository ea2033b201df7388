"""Requirements and constraints, and the supported Python versions."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from itertools import product
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
INSTALLED = ["requirements.txt", "requirements-dev.txt"]
# Comes with Python.
INSTALLER = "pip"
SYSTEMS = [("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("win32", "AMD64")]


def requirements(name: str) -> list[Requirement]:
    lines = [line.partition(" #")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]


def applies(one: Requirement, environment: dict[str, str] | None = None, extras: Iterable[str] = ("",)) -> bool:
    """Return whether a requirement applies in an environment (default: this one)."""
    return one.marker is None or any(one.marker.evaluate({**(environment or {}), "extra": extra}) for extra in extras)


def version_of(one: Requirement) -> str:
    (part,) = one.specifier
    return part.version


def constraints(environment: dict[str, str] | None = None) -> dict[str, str]:
    found = [one for one in requirements("constraints.txt") if applies(one, environment)]
    versions = {str(canonicalize_name(one.name)): version_of(one) for one in found}
    assert len(versions) == len(found), "a package has two versions"
    return versions


def needed(queue: list[Requirement]) -> Iterator[str]:
    """Yield the names of all direct and indirect dependencies, from the metadata of installed packages."""
    seen = set()
    while queue:
        one = queue.pop()
        key = (canonicalize_name(one.name), frozenset(one.extras))
        if key in seen or key[0] == INSTALLER:
            continue
        seen.add(key)
        yield key[0]
        further = [Requirement(text) for text in metadata.requires(one.name) or ()]
        queue += [other for other in further if applies(other, extras=["", *one.extras])]


@pytest.mark.parametrize("name", [*INSTALLED, "requirements-bench.txt"])
def test_one_pinned_version_for_all_pythons(name: str) -> None:
    found = requirements(name)
    assert found
    for one in found:
        assert [part.operator for part in one.specifier] == ["=="], one
        assert "python_version" not in str(one.marker), one


@pytest.mark.parametrize("name", INSTALLED)
def test_requirements_file_is_self_contained(name: str) -> None:
    """Community Cloud reads only requirements.txt."""
    options = [line for line in (ROOT / name).read_text().splitlines() if line.startswith("-")]
    assert options == (["-r requirements.txt"] if name == "requirements-dev.txt" else [])


@pytest.mark.parametrize(("python", "system"), list(product(["3.11", "3.12", "3.13"], SYSTEMS)))
def test_pins_agree_with_the_constraints(python: str, system: tuple[str, str]) -> None:
    platform, machine = system
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": platform,
        "platform_machine": machine,
    }
    pins = [one for name in INSTALLED for one in requirements(name) if applies(one, environment)]
    constrained = constraints(environment)
    pinned = {canonicalize_name(one.name): version_of(one) for one in pins}
    assert {name: constrained.get(name) for name in pinned} == pinned


def test_every_dependency_has_a_constraint() -> None:
    pins = [one for name in INSTALLED for one in requirements(name) if applies(one)]
    assert set(needed(pins)) - set(constraints()) == set()


def test_installed_packages_match_the_constraints() -> None:
    pins = [one for name in INSTALLED for one in requirements(name) if applies(one)]
    constrained = constraints()
    installed = {name: metadata.version(name) for name in needed(pins)}
    assert installed == {name: constrained.get(name) for name in installed}, "run `make test` to install them"


def test_constraints_have_versions_without_urls() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert not [line for line in lines if line.startswith("-") or "://" in line or "@" in line]
    for one in requirements("constraints.txt"):
        assert [part.operator for part in one.specifier] == ["=="], one


@pytest.fixture
def installed_copy(tmp_path: Path) -> Path:
    """A folder in which everything counts as installed for `make`."""
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    for name in ("Makefile", "constraints.txt", *INSTALLED):
        shutil.copy(ROOT / name, tmp_path)
        os.utime(tmp_path / name, (1, 1))
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    for name in ("made", "app", "dev"):
        (python.parents[1] / name).touch()
        os.utime(python.parents[1] / name, (2, 2))
    return tmp_path


def commands(folder: Path, *arguments: str) -> str:
    """Return the commands that `make` would run in a folder."""
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "PYTHON", "ARGS")}
    command = ["make", "--dry-run", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(("target", "files"), [("run", INSTALLED[:1]), ("test", INSTALLED)])
def test_changed_constraints_are_installed(target: str, files: list[str], installed_copy: Path) -> None:
    assert "pip install" not in commands(installed_copy, target)
    again = commands(installed_copy, "--what-if=constraints.txt", target)
    assert [name for name in INSTALLED if f"-r {name} -c constraints.txt" in again] == files


def test_make_accepts_the_supported_pythons() -> None:
    supported = SpecifierSet(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"])
    named = [f"3.{minor}" for minor in range(8, 20) if f"3.{minor}.0" in supported]
    # The last Pillow for 3.10 has a vulnerability in its JPEG decoder, and the Draw page opens JPEG files.
    assert named == ["3.11", "3.12", "3.13"]
    makefile = (ROOT / "Makefile").read_text()
    assert [version for version in ("3.9", "3.10", *named, "3.14") if f"python{version} " in makefile] == named
    assert f"version not in {tuple(named)}".replace("'", '"') in makefile


def test_checks_target_the_oldest_python() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert (tools["ruff"]["target-version"], tools["mypy"]["python_version"]) == ("py311", "3.11")
