"""The certificate authority of the run, and the certificates that it signs."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
VALID, FOREVER = timedelta(days=2), timedelta(days=3650)


class Authority:
    """Signs server certificates; `certificate` is the file that clients trust.

    It stays between runs, because images trust it as they trust public authorities.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._name = _name("preview e2e")
        self.certificate, private = folder / "ca.crt", folder / "ca.key"
        if not self.certificate.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            write_key(private, key)
            builder = _builder(self._name, self._name, key.public_key(), key.public_key(), FOREVER)
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            builder = builder.add_extension(_SIGNS, critical=True)
            self.certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
        loaded = load_pem_private_key(private.read_bytes(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        self._key = loaded

    def server(self, name: str, hosts: Iterable[str]) -> tuple[Path, Path]:
        """Return the files of a certificate for these host names and addresses, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(name), self._name, key.public_key(), self._key.public_key())
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        certificate, private = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        certificate.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        write_key(private, key)
        return certificate, private


def write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePublicKey,
    valid: timedelta = VALID,
) -> x509.CertificateBuilder:
    """Begin a certificate with the identifiers that RFC 5280 demands: Python 3.13 refuses one without."""
    now = datetime.now(UTC)
    serial = x509.random_serial_number()
    builder = x509.CertificateBuilder(issuer, subject, key, serial, now - timedelta(minutes=5), now + valid)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    return builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
