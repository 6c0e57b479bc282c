package office_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/internal/typeset"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/pki/keystore/sdftest"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// TestGMOnly: a data folder whose signing keys are all in two devices, the service's
// and the offline one, does its work; without the devices it does nothing.
func TestGMOnly(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "data")
	config := datafolder.Config{Host: "localhost", Region: "340000", Domain: "安徽省(测试)"}
	service, offline := sdftest.New(t, "service", 40).Open(t), sdftest.New(t, "offline", 2).Open(t)
	token, err := service.Wrapper()
	if err != nil {
		t.Fatal(err)
	}
	rootToken, err := offline.Wrapper()
	if err != nil {
		t.Fatal(err)
	}
	options := office.CreateOptions{
		Config: config, Actor: "test", GMOnly: true, Token: token, Devices: []keystore.Device{service},
		RootToken: rootToken, RootDevices: []keystore.Device{offline},
	}
	o, err := office.Create(ctx, dir, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	uscc, err := idcode.USCC("11340000XN000001")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.AddAuthority(ctx, "test", office.NewAuthority{
		USCC: uscc, Name: "安徽省测试局", Region: "340000", Level: catalogue.Province, Categories: []catalogue.ID{7},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Publish(ctx, "test"); err != nil {
		t.Error(err)
	}
	if _, err := o.TokenKeys(ctx); !errors.Is(err, keystore.ErrNational) {
		t.Errorf("a key for ES256: %v, want ErrNational", err)
	}
	for folder, device := range map[string]string{"keys": service.Name(), "offline": offline.Name()} {
		a, err := keystore.Assess(filepath.Join(dir, folder))
		if err != nil || len(a.Faults) > 0 || !a.GMOnly {
			t.Fatal(err, a.Faults, a.GMOnly)
		}
		signers := 0
		for _, k := range a.Keys {
			if k.Point == nil {
				continue
			}
			signers++
			if k.Place != keystore.InDevice || k.Where[:len(device)] != device {
				t.Errorf("%s/%s lies in %s %s", k.Purpose, k.Name, k.Place, k.Where)
			}
		}
		if signers < 2 {
			t.Errorf("%s has %d signing keys", folder, signers)
		}
	}

	foreign(t, o)

	target := filepath.Join(t.TempDir(), "data")
	options.Devices = nil
	if _, err := office.Create(ctx, target, options); !errors.Is(err, keystore.ErrDeviceOnly) {
		t.Errorf("without a device: %v, want ErrDeviceOnly", err)
	}
	if _, err := os.Stat(target); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something is left: %v", err)
	}
}

// foreign wants a document that is encrypted with other algorithms neither sealed nor verified.
func foreign(t *testing.T, o *office.Office) {
	t.Helper()
	in, out := filepath.Join(t.TempDir(), "in.pdf"), filepath.Join(t.TempDir(), "out.pdf")
	page := typeset.New(typeset.Info{Title: "一页"})
	page.Page(210, 297)
	plain, err := page.PDF()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in, plain, 0o600); err != nil {
		t.Fatal(err)
	}
	tooltest.Run(t, "qpdf", "--encrypt", "", "owner", "256", "--", in, out)
	content, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := pdf.Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Stamp(context.Background(), "test", doc, office.StampRequest{SealID: "none"}); !errors.Is(err, syntax.ErrNotNational) {
		t.Errorf("sealing: %v, want ErrNotNational", err)
	}
	inspector, err := o.Inspector(context.Background(), second.Opinion{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inspector.File(context.Background(), content); !errors.Is(err, syntax.ErrNotNational) {
		t.Errorf("verifying: %v, want ErrNotNational", err)
	}
}
