package pdf

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// TestWestern: OpenSSL signs with RSA and ECDSA as foreign documents are signed. The
// signature is found good; that nothing was revoked nobody can say.
func TestWestern(t *testing.T) {
	t.Parallel()
	s := newSigners(t)
	for name, key := range map[string][]string{
		"RSA":   {"-newkey", "rsa:2048"},
		"ECDSA": {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"},
	} {
		western := newWestern(t, key...)
		stamp := personStamp()
		stamp.SubFilter, stamp.Time = subFilterPKCS7, time.Now().Add(time.Minute)
		file := put(t, victim.bytes(), stamp, western.contents)
		pem, err := os.ReadFile(western.file("cert"))
		if err != nil {
			t.Fatal(err)
		}
		imported := s.trust
		imported.Imported = x509.NewCertPool()
		imported.Imported.AppendCertsFromPEM(pem)
		changed := updated(t, file, func(a attacker) { a.PutStream(syntax.Ref{Num: 3}, &syntax.Dict{}, []byte(evil)) })
		broken := swap(t, bytes.Clone(file), "contents of the page", "contents of the pagf")
		for what, tt := range map[string]struct {
			file  []byte
			trust Trust
			check string // that fails first
			is    error
		}{
			"unknown root":   {file, s.trust, "certificate", path.ErrUntrusted},
			"imported root":  {file, imported, "certificate", path.ErrCannotSay},
			"changed after":  {changed, imported, "changes", ErrModified},
			"a byte flipped": {broken, imported, "signature", cms.ErrWrongSignature},
		} {
			report, err := open(t, tt.file).Verify(context.Background(), tt.trust)
			if err != nil {
				t.Fatal(err)
			}
			err = report.Err()
			if report.Valid() || !errors.Is(err, tt.is) || !strings.Contains(err.Error(), ": "+tt.check+": ") {
				t.Errorf("%s, %s: %v", name, what, err)
			}
			if w := report.Signatures[0].Western; w == nil || w.Signer.Subject.CommonName != "Jane Doe" {
				t.Errorf("%s, %s: read as %+v", name, what, w)
			}
			if modified := errors.Is(report.Signatures[0].laterChanges(0, nil), ErrModified); modified != (what == "changed after") {
				t.Errorf("%s, %s: changed afterwards: %v", name, what, modified)
			}
		}
	}
}

// TestStreamedContents: a signature in BER, of a length that only its end tells, as
// BouncyCastle writes it and PDFBox puts it into files.
func TestStreamedContents(t *testing.T) {
	t.Parallel()
	s, w := newSigners(t), newWestern(t, "-newkey", "rsa:2048")
	tooltest.Run(t, "openssl", "pkcs8", "-topk8", "-nocrypt", "-in", w.file("key"), "-outform", "DER", "-out", w.file("key.der"))
	stamp := personStamp()
	stamp.SubFilter = subFilterPKCS7
	file := put(t, victim.bytes(), stamp, func(tb testing.TB, p *Prepared) []byte {
		tb.Helper()
		w.contents(tb, p) // for what is covered
		tooltest.BouncyCastle(tb, "SignCMS", w.file("key.der"), w.file("cert"), w.file("content"), w.file("ber"))
		ber, err := os.ReadFile(w.file("ber"))
		if err != nil {
			tb.Fatal(err)
		}
		if !bytes.HasPrefix(ber, []byte{0x30, 0x80}) {
			tb.Fatalf("BouncyCastle does not write BER: %x…", ber[:8])
		}
		return ber
	})
	for what, tt := range map[string]struct {
		file []byte
		is   error
	}{
		"as it is":       {file, path.ErrUntrusted}, // its signature is good, and nobody here knows its root
		"a byte flipped": {swap(t, bytes.Clone(file), "contents of the page", "contents of the pagf"), cms.ErrWrongSignature},
	} {
		report, err := open(t, tt.file).Verify(context.Background(), s.trust)
		if err != nil {
			t.Fatal(err)
		}
		if err := report.Err(); !errors.Is(err, tt.is) || report.Signatures[0].Western == nil {
			t.Errorf("%s: %v, want %v", what, err, tt.is)
		}
	}
}
