"""Kafka's jars from Maven Central, checked by hash, in a git-ignored folder of the checkout.

``python -m tests.rig.kafka_jars`` fetches them ahead of the tests. After a change of version in kafka-pom.xml,
``python -m tests.rig.kafka_jars --pin`` writes the new hashes.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
POM = HERE / "kafka-pom.xml"
PINNED = HERE / "kafka-jars.sha256"
CACHE = HERE.parents[1] / ".cache" / "kafka"


class MissingProgramError(RuntimeError):
    """Java or Maven is not installed."""


def need(program: str) -> str:
    """The program's path; `MissingProgramError` names the script that installs it."""
    path = shutil.which(program)
    if path is None:
        raise MissingProgramError(f"{program} is not installed: scripts/setup-system.sh installs what the tests need")
    return path


def jars() -> Path:
    """The folder with all jars; the first call downloads them (43 MB), at most one process at a time."""
    wanted = PINNED.read_text()
    folder = CACHE / hashlib.sha256(wanted.encode()).hexdigest()[:16]
    if folder.is_dir():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
                fetched = _fetch(Path(scratch) / "jars")
                if hashes(fetched) != wanted:
                    raise RuntimeError(f"the jars that Maven brought are not those pinned in {PINNED.name}")
                fetched.rename(folder)  # whole or not at all
    return folder


def hashes(folder: Path) -> str:
    """The jars' hashes in the format of sha256sum(1), by name."""
    lines = (f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}\n" for jar in sorted(folder.glob("*.jar")))
    return "".join(lines)


def _fetch(folder: Path) -> Path:
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    # -C: a download whose checksum is wrong fails
    subprocess.run([need("mvn"), "-q", "-B", "-C", "-f", str(POM), *goal], check=True, stdout=sys.stderr)
    return folder


def main() -> None:
    """Fetch the jars, or with --pin write their hashes."""
    if sys.argv[1:] == ["--pin"]:
        with tempfile.TemporaryDirectory() as scratch:
            PINNED.write_text(hashes(_fetch(Path(scratch) / "jars")))
    else:
        jars()


if __name__ == "__main__":
    main()
