"""The front end's libraries: fetched by a lock file, checked against it, their licences in NOTICE.

`python deploy/vendor.py` checks the files; `--fetch` takes them from the npm registry again (needs npm).
To move to another version, change it in the lock file and run `--fetch --relock`.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VENDOR = ROOT / "app" / "web" / "vendor"
FOLDERS = {"page": VENDOR, "tests": ROOT / "tests" / "web" / "vendor"}
"""Where a file goes by its ``for``; what is for the tests is never served."""

LOCK = VENDOR / "vendor.lock.json"
NOTICE = ROOT / "NOTICE"
IMPORTED = re.compile(r"""\b(from|import)\s*(["'])([^"'\s]+)\2""")
SOURCE_MAP = re.compile(r"\n?//# sourceMappingURL=\S+\s*$")
HEADER = """kfring
Licensed under the Apache License, Version 2.0 (see LICENSE).

The browser pages include the following libraries, in app/web/vendor/.
"""


class VendorError(Exception):
    """One line for the person at the terminal."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fetch", action="store_true", help="take the files from the registry")
    parser.add_argument("--relock", action="store_true", help="write what came into the lock file")
    options = parser.parse_args()
    lock = json.loads(LOCK.read_text("utf-8"))
    try:
        if options.fetch:
            fetch(lock, relock=options.relock)
        count = check(lock)
    except VendorError as error:
        sys.stderr.write(f"vendor: {error}\n")
        return 1
    sys.stdout.write(f"vendor: {count} files are as the lock file says\n")
    return 0


def check(lock: dict[str, Any]) -> int:
    """The number of files. Raises VendorError at the first one that differs or is not in the lock."""
    wanted = {
        _place(file): file["sha256"] for package in lock["packages"] for file in package["files"]
    }
    present = {path for folder in FOLDERS.values() for path in folder.glob("*.js")}
    if present != set(wanted):
        odd = sorted(path.name for path in present ^ set(wanted))
        raise VendorError(f"not both in lock file and folder: {odd}")
    for path, sha256 in wanted.items():
        if _sha256(path.read_bytes()) != sha256:
            raise VendorError(f"{path.name} is not what the lock file says")
    return len(wanted)


def fetch(lock: dict[str, Any], *, relock: bool) -> None:
    """Writes every file and NOTICE; what differs from the lock is refused unless ``relock``."""
    names = {
        file["from"]: file["file"] for package in lock["packages"] for file in package["files"]
    }
    notice = [HEADER]
    with tempfile.TemporaryDirectory() as folder:
        for package in lock["packages"]:
            content = _pack(package, Path(folder), relock=relock)
            for file in package["files"]:
                code = _edited(file, content(file["path"]).decode())
                if "edits" not in file:
                    code = _relative(code, names)
                _accept(file, code.encode(), relock=relock)
            notice.append(_entry(package, content(package["license_file"]).decode()))
    NOTICE.write_text("\n".join(notice), "utf-8")
    if relock:
        LOCK.write_text(json.dumps(lock, indent=2) + "\n", "utf-8")


def _pack(package: dict[str, Any], folder: Path, *, relock: bool) -> Any:
    wanted = f"{package['name']}@{package['version']}"
    command = ["npm", "pack", wanted, "--silent", "--pack-destination", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise VendorError(f"npm pack {wanted} failed: {done.stderr.strip()[:200]}")
    archive = folder / done.stdout.strip().splitlines()[-1]
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    integrity = f"sha512-{digest}"
    if relock:
        package["integrity"] = integrity
    elif integrity != package["integrity"]:
        raise VendorError(f"the archive of {wanted} is not what the lock file says")

    def content(path: str) -> bytes:
        with tarfile.open(archive) as tar:
            member = tar.extractfile(f"package/{path}")
            if member is None:
                raise VendorError(f"{wanted} has no {path}")
            return member.read()

    return content


def _place(file: dict[str, Any]) -> Path:
    return FOLDERS[file.get("for", "page")] / str(file["file"])


def _edited(file: dict[str, Any], code: str) -> str:
    """A plain script made into a module: each of its ``edits`` must be found exactly once."""
    for before, after in file.get("edits", ()):
        if code.count(before) != 1:
            raise VendorError(f"{file['path']} does not hold exactly one {before!r}")
        code = code.replace(before, after)
    return code


def _relative(code: str, names: dict[str, str]) -> str:
    """Package names become files beside it: no import map, which would be an inline script."""

    def rename(match: re.Match[str]) -> str:
        if match[3] not in names:
            raise VendorError(f"{match[3]} is imported and not in the lock file")
        return f'{match[1]}"./{names[match[3]]}"'

    return SOURCE_MAP.sub("", IMPORTED.sub(rename, code)) + "\n"


def _accept(file: dict[str, Any], code: bytes, *, relock: bool) -> None:
    if relock:
        file["sha256"] = _sha256(code)
    elif _sha256(code) != file["sha256"]:
        raise VendorError(f"{file['file']} came out other than the lock file says")
    place = _place(file)
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(code)


def _entry(package: dict[str, Any], licence: str) -> str:
    title = f"{package['name']} {package['version']} ({package['license']})"
    text = "See LICENSE." if package["license"] == "Apache-2.0" else licence.strip()
    note = f"{package['note']}\n\n" if "note" in package else ""
    address = f"https://www.npmjs.com/package/{package['name']}"
    return f"{'-' * 72}\n{title}\n{address}\n\n{note}{text}\n"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
