package office

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/licence/catalogue"
)

func newOffice(tb testing.TB) (*Office, string) {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "data")
	o, err := Create(context.Background(), dir, CreateOptions{
		Config: Config{Host: "localhost", Region: "340000", Domain: "安徽省(测试)"}, Actor: "test", RootPassphrase: []byte("test"),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := o.Close(); err != nil {
			tb.Error(err)
		}
	})
	return o, dir
}

func TestQuick(t *testing.T) {
	start := time.Now()
	o, dir := newOffice(t)
	fmt.Println("create", time.Since(start))
	for i, l := range catalogue.Levels() {
		uscc, err := idcode.USCC(fmt.Sprintf("11340000XN00000%d", i+1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.AddAuthority(context.Background(), "test", NewAuthority{USCC: uscc, Name: "测试局" + string(l), Region: "340000", Level: l}); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println("authorities", time.Since(start))
	if err := o.ExportTrust(context.Background(), "test", filepath.Join(t.TempDir(), "trust")); err != nil {
		t.Fatal(err)
	}
	fmt.Println("export", time.Since(start))
	es, _ := os.ReadDir(dir)
	for _, e := range es {
		fmt.Println(e)
	}
}
