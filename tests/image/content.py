"""What an image has in it, and what it must not. Each function yields what is wrong."""

import stat
import subprocess
from collections.abc import Iterator

from image import Image

PROGRAM = "/service"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
# A program of this size has grown by something that should be known about: the largest is 24 MiB at
# the time of writing.
PROGRAM_BYTES = 32 * 1024 * 1024
# What a node fetches.
COMPRESSED_BYTES = 12 * 1024 * 1024


def files(image: Image) -> Iterator[str]:
    """The program and the authorities are all there is: no shell, no library, no link."""
    entries = image.entries()
    for path in sorted({PROGRAM, AUTHORITIES} - set(entries)):
        yield f"{path} is missing"
    for path in sorted(set(entries) - {PROGRAM, AUTHORITIES}):
        yield f"{path} is there, and nothing needs it"


def rights(image: Image) -> Iterator[str]:
    """Root owns everything, nobody may change it, and nothing gives rights."""
    for path, status in image.entries().items():
        if (status.st_uid, status.st_gid) != (0, 0):
            yield f"{path} is owned by {status.st_uid}:{status.st_gid}, not by root"
        if status.st_mode & 0o222:
            yield f"{path} may be written: {stat.filemode(status.st_mode)}"
        if status.st_mode & (stat.S_ISUID | stat.S_ISGID):
            yield f"{path} gives rights to whoever runs it: {stat.filemode(status.st_mode)}"


def static(image: Image) -> Iterator[str]:
    """The program needs no loader and no library: nothing else is there."""
    program = str(image.root / PROGRAM.lstrip("/"))
    headers = subprocess.run(
        ["readelf", "--program-headers", program],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C"},
    )
    if headers.returncode != 0 or "LOAD" not in headers.stdout:
        yield f"{PROGRAM} is no ELF program"
    elif "INTERP" in headers.stdout:
        yield f"{PROGRAM} asks for a loader, which the image does not have"


def authorities(image: Image) -> Iterator[str]:
    """The authorities are certificates, and many."""
    path = image.root / AUTHORITIES.lstrip("/")
    count = path.read_text().count("-----BEGIN CERTIFICATE-----") if path.is_file() else 0
    if count < 100:
        yield f"{AUTHORITIES} has {count} certificates: amqps:// would trust nobody"


def config(image: Image) -> Iterator[str]:
    """It runs as a number that is not root, the program is the entrypoint, and no setting is baked
    in.
    """
    given = image.config()
    if given.get("User") != "65532:65532":
        yield f"its user is {given.get('User')!r}, and runAsNonRoot wants a number: 65532:65532"
    if given.get("Entrypoint") != [PROGRAM]:
        yield (
            f"its entrypoint is {given.get('Entrypoint')}, not the program alone: manifests add "
            f"`run` or `migrate`"
        )
    if given.get("Cmd"):
        yield f"it has a default command, {given['Cmd']}: what it does has to be said"
    for entry in given.get("Env") or []:
        if not entry.startswith("PATH="):
            yield f"it sets {entry.partition('=')[0]}: settings come from the manifest alone"
    title = (given.get("Labels") or {}).get("org.opencontainers.image.title")
    if title != f"deskmesh/{image.service}":
        yield f"its title is {title}, not deskmesh/{image.service}"


def size(image: Image) -> Iterator[str]:
    """Program and image are within their budgets."""
    program = image.root / PROGRAM.lstrip("/")
    bytes_ = program.stat().st_size if program.is_file() else 0
    if bytes_ > PROGRAM_BYTES:
        yield f"{PROGRAM} has {bytes_} bytes, budget {PROGRAM_BYTES}"
    if image.compressed() > COMPRESSED_BYTES:
        yield f"the image has {image.compressed()} bytes compressed, budget {COMPRESSED_BYTES}"


CHECKS = (files, rights, static, authorities, config, size)
