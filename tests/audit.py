"""Looks up whether a package in this environment has a known hole: ``python -m tests.audit``.

Asks the package registry by pip-audit. Where it cannot be asked, this says so and passes: a computer without network
can still run the checks.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence


def main(options: Sequence[str] = ()) -> int:
    """Print the holes and return 1 if there is one, else 0; `options` are pip-audit's, after the usual ones."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", *options]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(answer.stdout)["dependencies"]
    except ValueError:
        reason = (answer.stderr.strip() or "no reason given").splitlines()[-1]
        print(f"The known holes were NOT looked up, since nobody could be asked: {reason}")
        return 0
    asked = [one for one in packages if "vulns" in one]
    holes = [(one, hole) for one in asked for hole in one["vulns"]]
    for one, hole in holes:
        fixed = ", ".join(hole["fix_versions"]) or "none yet"
        print(f"{one['name']} {one['version']} has a known hole: {hole['id']}. Versions without it: {fixed}")
    if not asked:
        print("The known holes were NOT looked up, since the registry gives no answer about any package.")
    elif not holes:
        print(f"No known hole in {len(asked)} of {len(packages)} packages; about the others there is no answer.")
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
