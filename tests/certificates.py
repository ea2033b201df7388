"""Certificates that are their own authority."""

from __future__ import annotations

import subprocess
from pathlib import Path


def new_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a certificate for a host of this name, and its key; returns their files in `folder`."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key
