"""Client certificates of a control plane of one's own: kind, k3d and kubeadm let their administrator sign in with one."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = datetime.timedelta(days=1)
_PEM = serialization.Encoding.PEM


def authority(folder: Path) -> Path:
    """The certificate of who signs the clients' certificates; its key, made once for a folder, lies beside it."""
    file = folder / "clients.crt"
    if not file.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "clients")])
        # The key first: a certificate without one would never be replaced.
        with os.fdopen(os.open(_key(folder), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
            handle.write(_private(key))
        ca = x509.BasicConstraints(ca=True, path_length=0)
        signed = _dated(name, name, key.public_key()).add_extension(ca, critical=True).sign(key, hashes.SHA256())
        file.write_bytes(signed.public_bytes(_PEM))
    return file


def certificate(folder: Path, user: str, group: str) -> tuple[bytes, bytes]:
    """A certificate for a user in a group, and its key, both PEM; the API server takes CN and O for the two."""
    issuer = x509.load_pem_x509_certificate(authority(folder).read_bytes()).subject
    signer = serialization.load_pem_private_key(_key(folder).read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)  # noqa: S101
    key = ec.generate_private_key(ec.SECP256R1())
    names = [(NameOID.COMMON_NAME, user), (NameOID.ORGANIZATION_NAME, group)]
    subject = x509.Name([x509.NameAttribute(kind, value) for kind, value in names])
    use = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    signed = _dated(subject, issuer, key.public_key()).add_extension(use, critical=False).sign(signer, hashes.SHA256())
    return signed.public_bytes(_PEM), _private(key)


def _dated(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    return builder.not_valid_before(now - _LIFE).not_valid_after(now + _LIFE)


def _key(folder: Path) -> Path:
    return folder / "clients.key"


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
