"""The cluster's own keys: one authority, a certificate for every server and every user, and the kubeconfigs that hold them."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = datetime.timedelta(days=365)
_SKEW = datetime.timedelta(hours=1)
_PEM = serialization.Encoding.PEM


class Authority:
    """Signs what is shown inside one cluster; its key is never written down."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        ca = x509.BasicConstraints(ca=True, path_length=0)
        signed = _dated(self._name, self._name, self._key.public_key()).add_extension(ca, critical=True)
        self._own = signed.sign(self._key, hashes.SHA256())
        self.certificate = self._own.public_bytes(_PEM)

    def issue(self, user: str, *, groups: Sequence[str] = (), names: Sequence[str] = ()) -> tuple[bytes, bytes]:
        """A certificate and its key, PEM: for a client the user and its groups, for a server its names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        attributes = [(NameOID.COMMON_NAME, user), *((NameOID.ORGANIZATION_NAME, group) for group in groups)]
        subject = x509.Name([x509.NameAttribute(kind, value) for kind, value in attributes])
        uses = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if names else [])]
        builder = _dated(subject, self._name, key.public_key()).add_extension(
            x509.ExtendedKeyUsage(uses), critical=False
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM), _pem(key)

    def kubeconfig(self, server: str, context: str, user: str, *groups: str) -> str:
        """A kubeconfig with which a user signs in at `server`; its only context is the current one."""
        certificate, key = self.issue(user, groups=groups)
        config: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": context,
            "clusters": [
                {"name": context, "cluster": {"server": server, **_data(certificate_authority=self.certificate)}}
            ],
            "users": [{"name": user, "user": _data(client_certificate=certificate, client_key=key)}],
            "contexts": [{"name": context, "context": {"cluster": context, "user": user}}],
        }
        return yaml.safe_dump(config, sort_keys=False)


def accounts_key() -> bytes:
    """A new key that signs the tokens of service accounts."""
    return rsa.generate_private_key(65537, 2048).private_bytes(
        _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def write(file: Path, content: bytes | str) -> Path:
    """Writes a file that only its owner may read."""
    file.unlink(missing_ok=True)
    data = content.encode() if isinstance(content, str) else content
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(data)
    return file


def _data(**parts: bytes) -> dict[str, str]:
    return {f"{key.replace('_', '-')}-data": base64.b64encode(value).decode() for key, value in parts.items()}


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _dated(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    return builder.not_valid_before(now - _SKEW).not_valid_after(now + _LIFE)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
