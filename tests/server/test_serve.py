"""`facewire serve` as a process: what it prints, HTTPS, signals, and what keeps it from starting."""

import json
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from server import tls
from server.config import ServerConfig

ROOT = Path(__file__).resolve().parents[2]
START_S, READY_S, STOP_S = 20.0, 40.0, 10.0


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where certificates are kept: not in the user's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("FACEWIRE_TOKEN", raising=False)
    return tmp_path / "facewire"


def serve(*flags: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "facewire", "serve", *flags]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def get(url: str, context: ssl.SSLContext, limit_s: float) -> bytes:
    """Asks until it is answered with 200."""
    until = time.monotonic() + limit_s
    while True:
        try:
            with urllib.request.urlopen(url, context=context, timeout=5) as answer:
                return bytes(answer.read())
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def test_https_with_a_certificate_of_its_own_until_a_signal(cache: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = serve("--port", str(port), "--self-signed", "--token", "word", "--size", "256")
    try:
        base = f"https://127.0.0.1:{port}"
        trusting = ssl.create_default_context()
        until = time.monotonic() + START_S
        while not (cache / "certificate.pem").exists() and time.monotonic() < until:
            time.sleep(0.05)
        trusting.load_verify_locations(cache / "certificate.pem")
        assert b"<title>" in get(base, trusting, START_S)
        assert get(f"{base}/readyz", trusting, READY_S) == b"ready\n"
        config = json.loads(get(f"{base}/api/config", trusting, START_S))
        assert config["token_required"] is True
        assert config["delay_ms"] == config["future_audio_ms"] + ServerConfig().processing_ms
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=STOP_S)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0
    assert f"{base}/" in printed
    assert f"{config['future_audio_ms']} ms of future audio" in printed
    assert (cache / "key.pem").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--tls", "only.pem"], "expected 2 arguments"),
        (["--tls", "none.pem", "none.pem"], "no certificate and key"),
        (["--model", "nowhere"], "holds no manifest.json"),
    ],
)
def test_what_cannot_work_is_said_at_once(cache: Path, flags: list[str], says: str) -> None:  # noqa: ARG001
    process = serve("--port", "0", *flags)
    _, complaint = process.communicate(timeout=START_S)
    assert process.returncode == 2
    assert says in complaint
    assert "Traceback" not in complaint


def test_a_port_that_is_taken(taken_port: int, cache: Path) -> None:  # noqa: ARG001
    process = serve("--port", str(taken_port))
    _, complaint = process.communicate(timeout=START_S)
    assert process.returncode == 2
    assert f"127.0.0.1:{taken_port} cannot be listened on" in complaint
    assert "Traceback" not in complaint


def test_a_certificate_is_kept_while_it_fits_and_made_anew_when_it_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "local_addresses", lambda: ["127.0.0.1", "192.0.2.7"])
    certificate, _ = tls.self_signed(tmp_path)
    first = certificate.read_bytes()
    names = x509.load_pem_x509_certificate(first).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "192.0.2.7"]
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    tls.self_signed(tmp_path)
    assert certificate.read_bytes() == first
    monkeypatch.setattr(tls, "local_addresses", lambda: ["127.0.0.1", "198.51.100.4"])
    tls.self_signed(tmp_path)
    assert certificate.read_bytes() != first
    certificate.write_bytes(b"damaged")
    tls.context(*tls.self_signed(tmp_path))
