"""A real Nginx with the shipped configuration, on other addresses and ports and with another certificate."""

from __future__ import annotations

import datetime
import os
import re
import shutil
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.servers import _Server
from tests.support import accepts, free_port
from tests.test_imports import ROOT

SHIPPED = ROOT / "deploy" / "nginx.conf"
NAME = "kf.example.com"
CERTIFICATE = "certificate.pem"


def nginx_missing() -> str:
    """Return why no Nginx can run here; "" if one can."""
    return "" if nginx_path() else "nginx is not installed"


def has_ipv6() -> bool:
    """Return whether this machine has the IPv6 loopback address, which some containers lack."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def nginx_path() -> str:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin") or ""


def whole(folder: Path, site: str) -> str:
    """Return a configuration that keeps all its files in ``folder``, with ``site`` in its http block."""
    # Started by root its worker would be somebody who may not write into the test's folder.
    who = "user root;\n" if os.geteuid() == 0 else ""
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"{who}daemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log error.log warn;\n"
        f"events {{ worker_connections 4096; }}\nhttp {{\n{temporary}{site}\n}}\n"
    )


def in_folder(text: str, folder: Path, nodes: Sequence[int]) -> str:
    """Return the shipped file with its logs in ``folder`` and nodes on these ports of the loopback."""

    def peers(found: re.Match[str]) -> str:
        return "\n".join(f"{found[1]}127.0.0.1:{port}{found[2]}" for port in nodes)

    text = re.sub(r"( +server )10\.0\.0\.11:8080([^\n]*)\n +server 10[^\n]*", peers, text)
    text = text.replace("/var/log/nginx/kfring-error.log", f"{folder}/error.log")
    return text.replace("/var/log/nginx/kfring.log", f"{folder}/access.log")


def below(text: str, path: str) -> str:
    """Return the file as its comment says for a folder of the host: ``path`` in front of every location."""
    return re.sub(r"^( +location (?:= )?)/", rf"\1{path}/", text, flags=re.M)


def certified(text: str, folder: Path) -> str:
    """Return the file with a certificate of its own, made for its name and the loopback address."""
    key, certificate = folder / "key.pem", folder / CERTIFICATE
    if not key.exists():
        make_certificate(key, certificate)
    text = text.replace("/etc/ssl/kf.example.com.pem", str(certificate))
    return text.replace("/etc/ssl/kf.example.com.key", str(key))


def make_certificate(key_file: Path, certificate_file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    addresses = [x509.IPAddress(ip_address(text)) for text in ("127.0.0.1", "::1")]
    names = [x509.DNSName(NAME), x509.DNSName("localhost"), *addresses]
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))


class BareNginx(_Server):
    """Nginx with one configuration, which names `port` where it listens."""

    site = ""

    def command(self) -> list[str]:
        config = self.folder / "nginx.conf"
        config.write_text(whole(self.folder, self.site))
        return [nginx_path(), "-p", str(self.folder), "-e", "error.log", "-c", str(config)]


class Nginx(BareNginx):
    """The shipped server for our name, without TLS."""

    def __init__(self, folder: Path, nodes: Sequence[int]) -> None:
        super().__init__(folder)
        self.url = f"http://127.0.0.1:{self.port}"
        text = in_folder(SHIPPED.read_text("utf-8"), folder, nodes)
        head, *servers = re.split(r"^(?=server \{)", text, flags=re.M)
        site = re.sub(r"\n +listen \[::\][^;]*;", "", head + servers[-1])
        site = re.sub(r"listen 443[^;]*;", f"listen 127.0.0.1:{self.port} backlog=1024;", site)
        self.site = re.sub(r"\n[^\n]*(ssl_|Strict-Transport)[^\n]*", "", site)

    def ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/metrics", timeout=1).status_code == 404
        except requests.RequestException:
            return False


class SecureNginx(BareNginx):
    """The whole shipped file on other ports, with TLS; kfring lies below ``path`` where one is given."""

    def __init__(
        self, folder: Path, node: int, path: str = "", name: str = NAME, port: int = 0
    ) -> None:
        super().__init__(folder)
        self.port = port or self.port
        self.path, self.plain_port = path, free_port()
        text = in_folder(below(SHIPPED.read_text("utf-8"), path), folder, [node])
        text = certified(text, folder).replace(f"server_name {NAME}", f"server_name {name}")
        text = text.replace("]:443", f"]:{self.port}")
        text = text.replace("]:80", f"]:{self.plain_port}").replace("[::]", "[::1]")
        if not has_ipv6():
            text = re.sub(r"\n +listen \[::1\][^;]*;", "", text)
        text = re.sub(r"listen 443\b", f"listen 127.0.0.1:{self.port}", text)
        self.site = re.sub(r"listen 80\b", f"listen 127.0.0.1:{self.plain_port}", text)

    def ready(self) -> bool:
        return accepts(self.port) and accepts(self.plain_port)
