"""This machine in the place of a node: the manifests' pods, with a broker and a database that are
found by name.
"""

import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import running
from authority import GREETING, Broker
from container import bound, configuration, once, start
from content import AUTHORITIES
from image import Image
from names import BROKER, DATABASE, HOSTS, RESOLV, Names
from pods import Pod, pods
from processes import provision, wait
from render import render_all
from running import Running
from tree import Tree


class Place(Tree):
    """The clone, with a folder for this check alone."""

    @property
    def work(self) -> Path:
        return self.root / "target/image"


@dataclass
class Prepared:
    """A service that could be started."""

    image: Image
    pod: Pod
    config: dict[str, Any]
    port: int


class Machine:
    """Broker, database, Secrets, and what runs with them."""

    def __init__(self, root: Path, names: Names) -> None:
        self.tree = Place(root)
        self.names = names
        self.state = self.tree.work / "runc"
        self.broker = Broker(self.tree.work / "authority")
        renders, problems = render_all(self.tree, [("development", ())])
        if problems:
            raise SystemExit("\n".join(problems))
        self.render = renders[0]
        self.secrets = self._by_name(provision(self.tree))
        (self.tree.work / "hosts").write_text(HOSTS)
        (self.tree.work / "resolv.conf").write_text(RESOLV)

    def program(self, image: Image) -> Iterator[str]:
        """The program is the service that the image is named after."""
        pod = self._pod(image, "run")
        config = self.configuration(image, pod)
        config["process"]["args"][1:] = ["describe"]
        code, container = once(f"{image.service}-describe", image, config, self.state, 20)
        name = container.output.partition(" ")[0]
        if code != 0 or name != image.service:
            yield f"`describe` ended with {code} and says it is {name!r}: {container.output[-500:]}"

    def migrates(self, image: Image) -> Iterator[str]:
        """`migrate` makes its tables, on an empty database and within the Job's memory."""
        pod = self._pod(image, "migrate")
        code, container = once(
            f"{image.service}-migrate", image, self.configuration(image, pod), self.state, 60
        )
        if code != 0:
            yield f"`migrate` ended with {code}: {container.output}"

    def trusts(self, image: Image) -> Iterator[str]:
        """With amqps:// it trusts the authorities of its file, and no other."""
        heard, _ = self._knock(image, {AUTHORITIES: self.broker.certificate})
        if heard != GREETING:
            yield f"it does not trust an authority that is mounted over {AUTHORITIES}: {heard!r}"
        heard, log = self._knock(image, {})
        if heard == GREETING or "UnknownIssuer" not in log:
            yield f"it does not refuse an authority that nobody gave it: {heard!r}; {log}"

    def _knock(self, image: Image, mounts: dict[str, Path]) -> tuple[bytes | str, str]:
        """What a broker with TLS hears first of the service, and what the service says of it."""
        one = self.prepare(image)
        folder = next(
            mount["source"]
            for mount in one.config["mounts"]
            if mount["destination"] == "/etc/deskmesh/broker"
        )
        (Path(folder) / "url").write_text(self.broker.address)
        for target, source in mounts.items():
            one.config["mounts"].append(bound(target, source))
        self.broker.heard.clear()
        container = self.run(one).container
        wait(lambda: bool(self.broker.heard) or container.process.poll() is not None, 10)
        # Its line about a refusal comes a moment later.
        wait(lambda: GREETING in self.broker.heard or "UnknownIssuer" in container.output, 2)
        container.remove()
        return (self.broker.heard or ["nothing"])[0], container.output

    def prepare(self, image: Image) -> Prepared:
        """The pod that runs the service, on a port of its own: all five share this machine's
        address.
        """
        pod = self._pod(image, "run")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        return Prepared(
            image,
            pod,
            self.configuration(image, pod, {"DESKMESH__HTTP__LISTEN": f"127.0.0.1:{port}"}),
            port,
        )

    def run(self, one: Prepared) -> Running:
        """Starts the service, and does not wait for it."""
        mounted = tuple(mount["destination"] for mount in one.config["mounts"])
        before = running.tree(one.image, mounted)
        container = start(one.image.service, one.image, one.config, self.state)
        return Running(one.image, one.pod, container, one.port, self.names, before, mounted)

    def configuration(
        self, image: Image, pod: Pod, more: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """The pod's settings and Secrets, and the names that a node gives it."""
        mounts = {
            "/etc/hosts": self.tree.work / "hosts",
            "/etc/resolv.conf": self.tree.work / "resolv.conf",
        }
        places = {mount["name"]: mount["mountPath"] for mount in pod.container["volumeMounts"]}
        for volume in pod.spec["volumes"]:
            mounts[places[volume["name"]]] = self._volume(pod, volume)
        return configuration(image, pod, pod.settings(self.render) | (more or {}), mounts)

    def _volume(self, pod: Pod, volume: dict[str, Any]) -> Path:
        """A Secret's lines as files, with the owner and the mode that a kubelet gives them."""
        folder = self.tree.work / "volumes" / pod.title / volume["name"]
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for item in volume["secret"]["items"]:
            path = folder / item["path"]
            path.write_text(self.secrets[volume["secret"]["secretName"]][item["key"]])
            os.chown(path, 0, pod.spec["securityContext"]["fsGroup"])
            path.chmod(volume["secret"]["defaultMode"])
        folder.chmod(0o755)
        return folder

    def _pod(self, image: Image, command: str) -> Pod:
        return next(
            pod
            for pod in pods(self.render)
            if pod.service == image.service and pod.command == command
        )

    @staticmethod
    def _by_name(secrets: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        """Names for addresses: one of the name server, one of the hosts file."""
        hosts = {"deskmesh-broker": BROKER, "deskmesh-database": DATABASE}
        named = {name: values for name, values in secrets.items() if name not in hosts}
        for secret, host in hosts.items():
            named[secret] = {
                key: url.replace("@127.0.0.1:", f"@{host}:") for key, url in secrets[secret].items()
            }
        left = [key for secret in hosts for key, url in named[secret].items() if "127.0.0.1" in url]
        if left:
            raise SystemExit(
                f"the addresses of {', '.join(left)} are numbers still: what does this check find "
                f"by name?"
            )
        return named
