"""The sandbox's own certificate authority: what signs for RDS and ElastiCache here, as Amazon's does there.

It is kept beside the sandbox's log, so that an image that was built with its certificate is good tomorrow. Nothing but the sandbox's
containers trusts it.
"""

from __future__ import annotations

import datetime
import fcntl
import pathlib
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.core.daemon import state_folder

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Little Service sandbox")])
DAYS, DAYS_SIGNED = 3650, 365
MACHINES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")  # what this machine trusts, a proxy of a company's too


def certificate(names: Sequence[str]) -> tuple[bytes, bytes]:
    """A certificate for these host names and its key, both as PEM; the certificate's file has the authority's behind it."""
    authority, signer = _authority()
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    made = (
        _begun(subject, key.public_key(), DAYS_SIGNED)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        # Python 3.13 refuses a chain without it: https://docs.python.org/3/library/ssl.html#ssl.VERIFY_X509_STRICT
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return _pem(made) + _pem(authority), _private(key)


def root() -> bytes:
    """The authority's own certificate: what AWS's truststore has for RDS."""
    return _pem(_authority()[0])


def bundle() -> bytes:
    """What this machine trusts, and the authority: for a container that is to believe both."""
    return (MACHINES.read_bytes() if MACHINES.exists() else b"") + root()


def _authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """The certificate and key from their file, which the first one who asks makes."""
    path = state_folder() / "authority.pem"
    with (state_folder() / "authority.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _make(path)
        kept = path.read_bytes()
    return x509.load_pem_x509_certificate(kept), serialization.load_pem_private_key(kept, None)


def _make(path: pathlib.Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    signs = {name: name in ("key_cert_sign", "crl_sign", "digital_signature") for name in USES}
    made = (
        _begun(NAME, key.public_key(), DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(**signs), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_bytes(_pem(made) + _private(key))
    part.rename(path)


USES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
USES += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")


def _begun(subject: x509.Name, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(NAME)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))  # a virtual machine's clock may be behind
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
