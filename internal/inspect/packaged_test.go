package inspect_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal/ofd"
)

// An OFD document goes the same way as a PDF; one without a signature proves nothing.
func TestInspectOFD(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	inspector, err := f.Office.Inspector(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	pack := func(files map[string]string) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for name, content := range files {
			entry, err := w.Create(name)
			if err == nil {
				_, err = entry.Write([]byte(content))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	plain := map[string]string{
		"OFD.xml":            `<OFD><DocBody><DocInfo><Title>样例</Title></DocInfo><DocRoot>Doc_0/Document.xml</DocRoot></DocBody></OFD>`,
		"Doc_0/Document.xml": `<Document><Pages><Page ID="7" BaseLoc="Page.xml"/><Page ID="8" BaseLoc="Page.xml"/></Pages></Document>`,
	}
	found, err := inspector.File(context.Background(), pack(plain))
	if err != nil {
		t.Fatal(err)
	}
	if found.Input != inspect.InputOFD || found.Verdict != verify.NoData || found.CauseCode != "no_signature" || found.Document.Pages != 2 || found.Document.Format != "OFD" {
		t.Errorf("found %+v, %+v", found, found.Document)
	}
	if _, err := inspector.File(context.Background(), pack(map[string]string{"word/document.xml": "<a/>"})); !errors.Is(err, ofd.ErrMalformed) {
		t.Errorf("another package: %v", err)
	}
}
