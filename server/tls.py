"""HTTPS: browsers give a microphone to pages from this machine or over HTTPS, and to no others."""

import datetime
import ipaddress
import ssl
from pathlib import Path

import ifaddr
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from realtime.errors import ConfigError

VALID_DAYS = 365


def context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Raises ConfigError where the files cannot be read or do not fit together."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        made.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"{certificate} and {key} are no certificate and key that fit together ({error})") from error
    return made


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine's names and addresses, kept in `folder` so that a browser asks about it once."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    addresses = local_addresses()
    if certificate.exists() and key.exists() and _still_good(certificate, addresses):
        return certificate, key
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Facewire, self-signed")])
    now = datetime.datetime.now(datetime.UTC)
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(private, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    key.touch(mode=0o600)
    key.write_bytes(private.private_bytes(serialization.Encoding.PEM, form, plain))
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return certificate, key


def local_addresses() -> list[str]:
    """This machine's IPv4 addresses, loopback included."""
    return sorted({ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if isinstance(ip.ip, str)})


def _still_good(certificate: Path, addresses: list[str]) -> bool:
    try:
        kept = x509.load_pem_x509_certificate(certificate.read_bytes())
        names = kept.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    week = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=7)
    covered = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    return kept.not_valid_after_utc > week and covered >= set(addresses)
