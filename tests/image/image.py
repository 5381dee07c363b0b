"""A built image, unpacked."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# runc reads config.json, which each container has anew.
AS_UNPACKED = "config.unpacked.json"


@dataclass(frozen=True)
class Image:
    """One service's image as build.sh left it, and the bundle that umoci makes of it: root file
    system and configuration.
    """

    service: str
    layout: Path
    bundle: Path

    @property
    def root(self) -> Path:
        return self.bundle / "rootfs"

    def config(self) -> dict[str, Any]:
        """What the image itself says: user, entrypoint, labels."""
        manifest = self._blob(
            json.loads((self.layout / "index.json").read_text())["manifests"][0]["digest"]
        )
        return self._blob(manifest["config"]["digest"])["config"]

    def digest(self) -> str:
        return json.loads((self.layout / "index.json").read_text())["manifests"][0]["digest"]

    def compressed(self) -> int:
        """What is sent to a node."""
        return sum(
            path.stat().st_size for path in (self.layout / "blobs").rglob("*") if path.is_file()
        )

    def runtime(self) -> dict[str, Any]:
        """The runtime's configuration as umoci makes it of the image; what a pod adds comes on
        top.
        """
        return json.loads((self.bundle / AS_UNPACKED).read_text())

    def entries(self) -> dict[str, os.stat_result]:
        """Everything that is no folder, by its path in the image."""
        found = (Path(folder) / name for folder, _, files in os.walk(self.root) for name in files)
        links = (
            Path(folder) / name
            for folder, below, _ in os.walk(self.root)
            for name in below
            if (Path(folder) / name).is_symlink()
        )
        return {f"/{path.relative_to(self.root)}": path.lstat() for path in (*found, *links)}

    def _blob(self, digest: str) -> dict[str, Any]:
        algorithm, _, value = digest.partition(":")
        return json.loads((self.layout / "blobs" / algorithm / value).read_text())


def unpack(service: str, layout: Path, bundle: Path) -> Image:
    """Afresh, so that nothing of an earlier run is left in it."""
    shutil.rmtree(bundle, ignore_errors=True)
    bundle.parent.mkdir(parents=True, exist_ok=True)
    tags = json.loads((layout / "index.json").read_text())["manifests"]
    tag = tags[0]["annotations"]["org.opencontainers.image.ref.name"]
    subprocess.run(
        ["umoci", "unpack", "--image", f"{layout}:{tag}", str(bundle)],
        check=True,
        capture_output=True,
    )
    (bundle / "config.json").rename(bundle / AS_UNPACKED)
    return Image(service, layout, bundle)
