"""What pyHanko finds of the signatures of PDF files.

For each file one line of JSON: "revisions", and for each signature its "field",
"range" (byte range), "coverage" and "changes" (the names of SignatureCoverageLevel and
ModificationLevel), and "signature" (valid, broken, or that pyHanko cannot tell). What
pyHanko does not read is an "error" in place of them.

The changes are those of pyHanko's default policy for what may come after a signature.
"""

import json
import logging
import sys

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, SuspiciousModification
from pyhanko.sign.validation.generic_cms import validate_sig_integrity


def changes(signature):
    found = signature.evaluate_modifications(DEFAULT_DIFF_POLICY)
    if isinstance(found, SuspiciousModification):
        return "OTHER"
    return found.modification_level.name


def integrity(signature):
    try:
        intact, valid = validate_sig_integrity(
            signature.signer_info,
            signature.signer_cert,
            expected_content_type="data",
            actual_digest=signature.compute_digest(),
        )
    except Exception as e:  # an algorithm that it does not know
        return "unknown: " + type(e).__name__
    return "valid" if intact and valid else "broken"


def look(signature):
    signature.coverage = signature.evaluate_signature_coverage()
    return {
        "field": signature.field_name,
        "range": [int(n) for n in signature.byte_range],
        "coverage": signature.coverage.name,
        "changes": changes(signature),
        "signature": integrity(signature),
    }


def main():
    logging.disable(logging.CRITICAL)
    for name in sys.argv[1:]:
        with open(name, "rb") as f:
            try:
                reader = PdfFileReader(f)
                answer = {
                    "revisions": reader.xrefs.total_revisions,
                    "signatures": [look(s) for s in reader.embedded_signatures],
                }
            except Exception as e:
                answer = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps(answer))


main()
