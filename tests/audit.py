"""Check the installed packages for known vulnerabilities with pip-audit: ``python -m tests.audit``.

If the registry cannot be reached, this says so and passes, so that the checks also run without a network.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence


def main(options: Sequence[str] = ()) -> int:
    """Print the vulnerabilities; return 1 if there is one, else 0. `options` are added to pip-audit's command line."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", *options]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(answer.stdout)["dependencies"]
    except ValueError:
        reason = (answer.stderr.strip() or "no reason given").splitlines()[-1]
        print(f"NOT checked for known vulnerabilities, because the registry could not be reached: {reason}")
        return 0
    checked = [one for one in packages if "vulns" in one]
    found = [(one, vulnerability) for one in checked for vulnerability in one["vulns"]]
    for one, vulnerability in found:
        fixed = ", ".join(vulnerability["fix_versions"]) or "none yet"
        print(f"{one['name']} {one['version']} has a known vulnerability: {vulnerability['id']}. Fixed in: {fixed}")
    if not checked:
        print("NOT checked for known vulnerabilities, because the registry knows none of the packages.")
    elif not found:
        print(f"No known vulnerability in {len(checked)} of {len(packages)} packages; the others are unknown.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
