"""The how-to for nginx, followed to the letter where nginx is installed."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path

import httpx
import pytest
from service_world import SHOP, World

from cloakroom.client import Client
from foreign_tools import tool
from patience import PATIENCE, wait_until

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "serve-behind-nginx.md"
NAME = "vault.example.com"


@pytest.mark.slow
def test_the_nginx_of_the_how_to_passes_signed_requests_through_and_tells_who_calls(
    fresh: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    nginx, openssl = tool("nginx"), tool("openssl")
    if os.getuid() != 0:
        pytest.skip("needs the right to listen on port 443")
    node = fresh.start("--authority", NAME, "--trusted-proxy", "127.0.0.1/32")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
         "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", tmp_path / "vault.key", "-out", tmp_path / "vault.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    site = re.search(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    site = site.replace("/etc/ssl/", f"{tmp_path}/").replace("127.0.0.1:8420", f"127.0.0.1:{node.port}")
    (tmp_path / "nginx.conf").write_text(
        f"user root; daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;"
        f"events {{}}\nhttp {{ access_log off; client_body_temp_path {tmp_path}/body;\n{site}}}\n"
    )
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 443)) == 0:
            pytest.skip("something listens on port 443 already")
    proxy = subprocess.Popen([nginx, "-c", tmp_path / "nginx.conf"])
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "vault.pem"))
    look_up = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: look_up("127.0.0.1" if host == NAME else host, *rest, **more),
    )
    try:
        wait_until(lambda: _ready(f"https://{NAME}/readyz"))
        # Behind the proxy the caller is 127.0.0.1 as the proxy saw it: a network, no longer "the machine itself".
        with Client(f"https://{NAME}", fresh.credentials[SHOP]) as client:
            assert client.exposure().principal == SHOP
    finally:
        proxy.terminate()
        proxy.wait()


def _ready(address: str) -> bool:
    try:
        return httpx.get(address, timeout=PATIENCE).text == "ready\n"
    except httpx.HTTPError:
        return False
