package pdf

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
)

// TestEncrypted has qpdf encrypt a file in every way and wants to hear whether
// a password is needed.
func TestEncrypted(t *testing.T) {
	t.Parallel()
	plain := saveFile(t, sample{pages: 2}.bytes())
	for _, tc := range []struct {
		name  string
		args  []string
		needs bool
	}{
		{"RC4 40 empty", []string{"--allow-weak-crypto", "--encrypt", "", "owner", "40", "--"}, false},
		{"RC4 128 empty", []string{"--allow-weak-crypto", "--encrypt", "", "owner", "128", "--"}, false},
		{"AES 128 empty", []string{"--allow-weak-crypto", "--encrypt", "", "owner", "128", "--use-aes=y", "--"}, false},
		{"AES 256 empty", []string{"--encrypt", "", "owner", "256", "--"}, false},
		{"AES 256 empty, object streams", []string{"--object-streams=generate", "--encrypt", "", "owner", "256", "--"}, false},
		{"RC4 128", []string{"--allow-weak-crypto", "--encrypt", "user", "owner", "128", "--"}, true},
		{"AES 128", []string{"--allow-weak-crypto", "--encrypt", "user", "owner", "128", "--use-aes=y", "--"}, true},
		{"AES 256", []string{"--encrypt", "user", "owner", "256", "--"}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "out.pdf")
			tooltest.Run(t, "qpdf", append(append([]string{}, tc.args...), plain, out)...)
			err := openFile(t, out)
			var encrypted *EncryptedError
			if !errors.Is(err, ErrEncrypted) || !errors.As(err, &encrypted) {
				t.Fatalf("Open: %v, want ErrEncrypted", err)
			}
			if encrypted.NeedsPassword != tc.needs || encrypted.Handler != "Standard" {
				t.Errorf("needs a password: %v (handler %q), want %v", encrypted.NeedsPassword, encrypted.Handler, tc.needs)
			}
		})
	}
}

func openFile(tb testing.TB, path string) error {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = f.Close() })
	info, err := f.Stat()
	if err != nil {
		tb.Fatal(err)
	}
	_, err = Open(f, info.Size())
	return err
}
