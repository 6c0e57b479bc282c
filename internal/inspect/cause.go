package inspect

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/ofd"
	"github.com/elicence/elicence/seal/pdf"
)

// The causes of verdicts on documents, beside those of codes in package qr/verify.
const (
	causeSignaturesInOrder verify.CauseCode = "signatures_in_order"
	causeNoSignature       verify.CauseCode = "no_signature"
	causeForeignSignature  verify.CauseCode = "foreign_signature"
	causeSignerSuspended   verify.CauseCode = "signer_suspended"
	causeSignerRevoked     verify.CauseCode = "signer_revoked"
	causeRevocationUnknown verify.CauseCode = "revocation_unknown"
	causeSignerUntrusted   verify.CauseCode = "signer_untrusted"
	causeSealDates         verify.CauseCode = "seal_dates"
	causeDocumentChanged   verify.CauseCode = "document_changed"
	causeNoDocumentCode    verify.CauseCode = "no_document_code"
	causeNotTheOriginal    verify.CauseCode = "not_the_original"
	causeSealOfTheCode     verify.CauseCode = "seal_of_the_code_missing"
	causeTimeNotProven     verify.CauseCode = "time_not_proven"
	causePicture           verify.CauseCode = "picture_is_not_the_seal"
	causeSeen              verify.CauseCode = "not_seen_as_signed"
	causePartial           verify.CauseCode = "protects_a_part"
	causeLicenceForm       verify.CauseCode = "licence_form"
	causeLicenceSignature  verify.CauseCode = "licence_signature"
	causeIdentifierIssuer  verify.CauseCode = "identifier_issuer"
	causeNotSealedByIssuer verify.CauseCode = "not_sealed_by_issuer"
	causeNotIssuedPage     verify.CauseCode = "not_the_page_as_issued"
)

// Next steps where the verdict's is not the right one.
const (
	nextReportZH, nextReportEN = "不得接受，请报告上级", "Do not accept; report it"
	nextAskZH, nextAskEN       = "请向发文机关核实", "Ask the authority that issued it"
	nextCheckZH, nextCheckEN   = "请核对签章人与文件内容", "Check who signed, and what the document says"
	nextByCodeZH, nextByCodeEN = "不要以此页面为准，请用证照的核验码或编号核验", "Do not go by this page; verify the licence by its code or its number"
)

// documentCause words a cause in both languages; what went wrong in detail follows in
// English.
func documentCause(code verify.CauseCode, zh, en string, detail error) verify.Cause {
	if detail != nil {
		en += ": " + detail.Error()
	}
	return verify.Cause{Code: code, ZH: zh, EN: en}
}

// next gives a cause a next step of its own.
func next(c verify.Cause, zh, en string) verify.Cause {
	c.NextZH, c.NextEN = zh, en
	return c
}

// documentVerdict sums up a report of signatures: what is certainly wrong, what nobody can say,
// and what is in order, and by whose word if not by the domain's own.
func documentVerdict(signatures []SignatureFinding, err error) (verify.Verdict, verify.Cause) {
	n := len(signatures)
	if n == 0 {
		return verify.NoData, next(documentCause(causeNoSignature, "文件没有签名或印章", "the document has no signature", nil), nextAskZH, nextAskEN)
	}
	if err != nil {
		return signatureVerdict(err)
	}
	zh, en := fmt.Sprintf("共 %d 个签名，均有效并覆盖全文", n), fmt.Sprintf("%d signatures, all in order, cover the whole document", n)
	if n == 1 {
		en = "1 signature, in order, covers the whole document"
	}
	if others := importedNames(signatures); len(others) > 0 {
		names := strings.Join(others, "; ")
		zh, en = zh+"；凭本机导入的根证书："+names, en+"; by roots that were imported here: "+names
	}
	return verify.Valid, next(documentCause(causeSignaturesInOrder, zh, en, nil), nextCheckZH, nextCheckEN)
}

// importedNames are the imported roots behind signatures, each once.
func importedNames(signatures []SignatureFinding) []string {
	var names []string
	for _, s := range signatures {
		names = append(names, s.ImportedRoots...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// signatureVerdict says what the first thing that is wrong with a signature means; nil
// is a signature in order.
func signatureVerdict(err error) (verify.Verdict, verify.Cause) {
	switch {
	case err == nil:
		return verify.Valid, next(documentCause(causeSignaturesInOrder, "签名有效", "in order", nil), nextCheckZH, nextCheckEN)
	case errors.Is(err, pki.ErrDisagree), errors.Is(err, pki.ErrBusy):
		return verify.NoData, undecided(err)
	case errors.Is(err, pdf.ErrUnknownFormat), errors.Is(err, ofd.ErrUnknownFormat), errors.Is(err, cms.ErrMalformed), errors.Is(err, seal.ErrMalformed):
		// A foreign signature, RSA for example, is nobody's forgery.
		return verify.NoData, next(documentCause(causeForeignSignature, "签名的格式或算法不受支持", "a signature of another format", err), nextAskZH, nextAskEN)
	case errors.Is(err, pdf.ErrNobodySigned):
		return verify.NoData, next(documentCause(causeNoSignature, "文件只有时间戳，没有签名或印章", "the document has time stamps only, and nobody signed it", nil), nextAskZH, nextAskEN)
	case errors.Is(err, ofd.ErrPartial):
		return verify.NoData, next(documentCause(causePartial, "签名只保护了文件的一部分", "the signature protects a part of the document only", err), nextAskZH, nextAskEN)
	case errors.Is(err, path.ErrSuspended):
		return verify.Suspended, documentCause(causeSignerSuspended, "签章人的证书已暂停", "the signer's certificate is suspended", err)
	case errors.Is(err, path.ErrCannotSay):
		return verify.NoData, documentCause(causeRevocationUnknown, "无法得知签章证书是否已吊销", "whether a certificate is revoked is not known", err)
	case errors.Is(err, path.ErrRevoked):
		return verify.Revoked, documentCause(causeSignerRevoked, "签章人的证书已吊销", "the signer's certificate is revoked", err)
	case errors.Is(err, path.ErrUntrusted), errors.Is(err, seal.ErrMaker):
		return verify.Untrusted, documentCause(causeSignerUntrusted, "签章人的证书不受信任", "the signer's certificate is not trusted", err)
	case errors.Is(err, seal.ErrSealDates):
		return verify.Expired, next(documentCause(causeSealDates, "盖章时印章不在有效期内", "the seal was not in its time when it was used", err), nextAskZH, nextAskEN)
	case errors.Is(err, seal.ErrTimeNotProven):
		return verify.NoData, next(documentCause(causeTimeNotProven, "签章时间没有时间戳或日志证明，而签章证书现已到期或吊销", "when it was signed is not proven, and a certificate has ended since", err), nextAskZH, nextAskEN)
	case errors.Is(err, pdf.ErrPicture), errors.Is(err, ofd.ErrPicture):
		return verify.Tampered, documentCause(causePicture, "页面上显示的图案不是签章所用的印章", "the page shows another picture than the seal that signed", err)
	case errors.Is(err, pdf.ErrSeen):
		return verify.Tampered, documentCause(causeSeen, "页面上的签章与签署时所载的位置、外观不符", "a page does not show a signature where and as it says itself", err)
	case errors.As(err, new(*pdf.ModifiedError)): // what was signed is as it was
		return verify.Tampered, documentCause(causeDocumentChanged, "签章后文件被改动", "changed after it was signed", err)
	default:
		return verify.Tampered, documentCause(causeDocumentChanged, "签章后文件被改动，或系伪造", "changed after it was signed, or forged", err)
	}
}

// checkZH says in Chinese why a step of a verification has failed, or a certificate does not
// count: what is the matter in particular, else what it means.
func checkZH(err error) string {
	if errors.Is(err, path.ErrNoStatus) {
		return "手头资料未说明证书是否已吊销"
	}
	if verdict, cause := signatureVerdict(err); verdict == verify.NoData {
		return cause.ZH // what is certain is not named where nobody can say
	}
	for _, known := range []struct {
		is error
		zh string
	}{
		{pdf.ErrStructure, "签名的结构或所覆盖的范围不合要求"},
		{pdf.ErrModified, "签署之后文件被改动"},
		{pdf.ErrProperty, "签章数据所述的字节范围与文件不符"},
		{ofd.ErrProperty, "签章数据所述的文件与实际不符"},
		{ofd.ErrChanged, "受保护的文件被改动"},
		{ofd.ErrOtherSeal, "所附印章不是签章所用的印章"},
		{seal.ErrForged, "签名值验证不通过"},
		{cms.ErrWrongSignature, "签名值验证不通过"},
		{seal.ErrChanged, "文件内容与签章时的摘要不符"},
		{seal.ErrNotListed, "印章未列出签章人的证书"},
		{seal.ErrMaker, "制章者不受信任"},
		{cms.ErrNoSigner, "缺少签名人的证书"},
		{path.ErrRevoked, "证书已吊销"},
		{path.ErrSuspended, "证书已暂停"},
		{path.ErrDates, "证书不在有效期内"},
		{path.ErrNoIssuer, "找不到颁发者的证书"},
		{path.ErrSignature, "证书不是其所称的颁发者签发的"},
		{path.ErrNotAuthority, "颁发者的证书不是机构证书"},
		{path.ErrPathLength, "证书链超过允许的长度"},
		{path.ErrUsage, "证书的密钥不可作此用途"},
		{path.ErrName, "证书的名称超出机构获准的范围"},
		{path.ErrCriticalExtension, "证书含不认识的关键扩展"},
		{path.ErrPolicy, "证书策略不符"},
		{path.ErrLimit, "证书过多，未能逐一尝试"},
	} {
		if errors.Is(err, known.is) {
			return known.zh
		}
	}
	_, cause := signatureVerdict(err)
	return cause.ZH
}

// undecided is the cause where the second implementation did not agree or had no time.
func undecided(err error) verify.Cause {
	if errors.Is(err, pki.ErrBusy) {
		return verify.Because(verify.CauseBusy)
	}
	return verify.Because(verify.CauseDisagree)
}

// out is the cause of a licence that its issuer may not have issued so.
func out(code verify.CauseCode, zh, en string) verify.Cause {
	return next(documentCause(code, zh, en, nil), nextReportZH, nextReportEN)
}
