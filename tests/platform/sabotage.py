"""Breaks a copy of the tree, one way after the other, and sees that the check notices each and says
so.

The ways are in sabotage/*.yaml: a file, what stands in it, what it is replaced by, and words of the
complaint. A check that cannot fail is worse than none; this is how each was seen to.
"""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import schemas
from tree import Tree, load

HERE = Path(__file__).resolve().parent
TREE = Tree(HERE.parents[1])
# What the check reads and nothing here breaks.
UNTOUCHED = ("services", "shared", "tests/faults")


@dataclass(frozen=True)
class Break:
    """One way to break the tree."""

    name: str
    says: str
    file: str = ""
    old: str = ""
    new: str = ""
    environment: dict[str, str] = field(default_factory=dict, hash=False)
    # Whether only the schemas of custom kinds can tell.
    custom: bool = False


def main() -> int:
    ways = [
        Break(**row) for path in sorted((HERE / "sabotage").glob("*.yaml")) for row in load(path)[0]
    ]
    if not schemas.folder(TREE).is_dir():
        print(
            f"SKIPPED {sum(way.custom for way in ways)} ways: {schemas.folder(TREE)} is not there "
            f"(CRD_SCHEMAS names it)"
        )
        ways = [way for way in ways if not way.custom]
    clean, output = check(Break("nothing", ""))
    if clean != 0:
        sys.exit(f"the check complains before anything is broken:\n{output}")
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        noticed = list(pool.map(notices, ways))
    missing = [name for name in defined() if not any(name in said for _, said in noticed)]
    for name in missing:
        print(f"FAILED  nothing here makes this check fail: {name}")
    failed = sum(not well for well, _ in noticed) + len(missing)
    print(f"{len(ways)} ways to break it, {failed} failed")
    return 1 if failed else 0


def notices(way: Break) -> tuple[bool, str]:
    """Whether the check fails and says what it should; and the names of the checks that failed."""
    code, output = check(way)
    well = code != 0 and way.says in output
    print(f"{'noticed' if well else 'FAILED':<7} {way.name}", flush=True)
    if not well:
        print(
            f"        expected: {way.says}\n        said: "
            f"{[line for line in output.splitlines() if not line.startswith('ok')][:6]}",
            flush=True,
        )
    return well, "\n".join(re.findall(r"^FAILED\s+(.*)$", output, re.MULTILINE))


def check(way: Break) -> tuple[int, str]:
    """Runs the check on a copy that is broken this way."""
    copy = TREE.work / "broken" / re.sub(r"\W+", "-", way.name)
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(TREE.root / "infra", copy / "infra", ignore=shutil.ignore_patterns("local"))
    shutil.copytree(HERE, copy / "tests/platform", ignore=shutil.ignore_patterns("__pycache__"))
    for name in (*UNTOUCHED, "infra/local"):
        (copy / name).symlink_to(TREE.root / name)
    if way.file:
        path = copy / way.file
        text = path.read_text()
        if way.old not in text:
            return 0, f"{way.file} does not have {way.old!r}: mend this way to break it"
        path.write_text(text.replace(way.old, way.new))
    environment = {**os.environ, "CRD_SCHEMAS": str(schemas.folder(TREE)), **way.environment}
    command = [sys.executable, str(HERE / "check.py"), "--quick", "--root", str(copy)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    shutil.rmtree(copy)
    return done.returncode, done.stdout + done.stderr


def defined() -> list[str]:
    """Every check there is, by the words that it is told with."""
    _, output = check(Break("names", ""))
    lines = re.findall(r"^ok\s+(.*)$", output, re.MULTILINE)
    # The count in front is that of the whole tree.
    return [
        re.sub(r"^\d+ (combinations|different objects).*?(render|are valid).*", r"\2", line)
        for line in lines
    ]


if __name__ == "__main__":
    sys.exit(main())
