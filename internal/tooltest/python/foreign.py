"""Signs PDF files with pyHanko as foreign programs do, under an authority of its own.

Arguments: a PDF file to sign, and a folder. Into the folder go root.pem, the root, and one
file a case; their names are printed, one a line.
"""

import datetime
import logging
import os
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore
from asn1crypto import crl as asn1_crl, keys as asn1_keys, x509 as asn1_x509

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
PROFILE = fields.SigSeedSubFilter.PADES


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = name("Foreign Root")
        self.serial = 1
        self.certificate = self.build(self.subject, self.key.public_key(), ca=True)

    def build(self, subject, public, ca=False, usage=None):
        self.serial += 1
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.subject)
            .public_key(public)
            .serial_number(self.serial)
            .not_valid_before(NOW - DAY)
            .not_valid_after(NOW + 365 * DAY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.KeyUsage(not ca, not ca, False, False, False, ca, ca, False, False), critical=True
            )
        )
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, subject, key, usage=None):
        return self.build(name(subject), key.public_key(), usage=usage)

    def crl(self):
        return (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.subject)
            .last_update(NOW - DAY)
            .next_update(NOW + 30 * DAY)
            .add_extension(x509.CRLNumber(1), critical=False)
            .sign(self.key, hashes.SHA256())
        )


def der(thing):
    return thing.public_bytes(serialization.Encoding.DER)


def asn1_key(key):
    return asn1_keys.PrivateKeyInfo.load(
        key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def main():
    logging.disable(logging.CRITICAL)
    original, folder = sys.argv[1], sys.argv[2]
    authority = Authority()
    root = asn1_x509.Certificate.load(der(authority.certificate))
    store = SimpleCertificateStore.from_certs([root])

    def signer(key, **options):
        return signers.SimpleSigner(
            signing_cert=asn1_x509.Certificate.load(der(authority.issue("Jane Doe", key))),
            signing_key=asn1_key(key),
            cert_registry=store,
            **options,
        )

    tsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)  # all that it takes
    tsa = authority.issue("Foreign Clock", tsa_key, ExtendedKeyUsageOID.TIME_STAMPING)
    clock = DummyTimeStamper(
        tsa_cert=asn1_x509.Certificate.load(der(tsa)), tsa_key=asn1_key(tsa_key), certs_to_embed=store
    )
    trust = ValidationContext(
        trust_roots=[root],
        crls=[asn1_crl.CertificateList.load(der(authority.crl()))],
        allow_fetching=False,
        revocation_mode="require",
    )
    with open(os.path.join(folder, "root.pem"), "wb") as f:
        f.write(authority.certificate.public_bytes(serialization.Encoding.PEM))

    def sign(case, source, key, options, field="Foreign1", timestamper=None, **meta):
        with open(source, "rb") as f:
            content = IncrementalPdfFileWriter(f)
            out = signers.PdfSigner(
                signers.PdfSignatureMetadata(field_name=field, md_algorithm=meta.pop("md", "sha256"), **meta),
                signer=signer(key, **options),
                timestamper=timestamper,
            ).sign_pdf(content)
            path = os.path.join(folder, case + ".pdf")
            with open(path, "wb") as g:
                g.write(out.getvalue())
        print(case)
        return path

    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    p256, p384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
    long = {"validation_context": trust, "embed_validation_info": True, "subfilter": PROFILE}
    one = sign("rsa", original, rsa_key, {})
    sign("pades", original, rsa_key, {}, subfilter=PROFILE)
    sign("pss", original, rsa_key, {"prefer_pss": True}, subfilter=PROFILE)
    sign("pss-sha512", original, rsa_key, {"prefer_pss": True}, subfilter=PROFILE, md="sha512")
    sign("ed25519", original, ed25519.Ed25519PrivateKey.generate(), {}, subfilter=PROFILE, md="sha512")
    sign("p384", original, p384, {}, subfilter=PROFILE, md="sha384")
    sign("b-t", original, p256, {}, timestamper=clock, subfilter=PROFILE)
    sign("b-lt", original, p256, {}, timestamper=clock, **long)
    sign("b-lta", original, p256, {}, timestamper=clock, use_pades_lta=True, **long)
    for case, words in (("stamped", {}), ("stamped-says", {"readable_field_name": "approved by the ministry"})):
        with open(one, "rb") as f:
            stamper = signers.PdfTimeStamper(clock, field_name="Stamp1", **words)
            out = stamper.timestamp_pdf(IncrementalPdfFileWriter(f), "sha256")
        with open(os.path.join(folder, case + ".pdf"), "wb") as g:
            g.write(out.getvalue())
        print(case)
    sign("two", one, p256, {}, field="Foreign2", subfilter=PROFILE)
    sign("certified", original, p256, {}, certify=True, subfilter=PROFILE)


main()
