package pkcs11

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goodConfig = `{"module": "lib.so", "token": "t", "key": "k", "pin_file": "/run/pin", "sm2": {"key_type": 3, "generate": 4160, "sign": 4161}}`

func TestReadConfig(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token.json")
	if err := os.WriteFile(path, []byte(goodConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := ReadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	if c.Module != filepath.Join(filepath.Dir(path), "lib.so") || c.PINFile != "/run/pin" || c.SM2 == nil || c.SM2.Sign != 4161 {
		t.Errorf("ReadConfig = %+v", c)
	}
	for name, text := range map[string]string{
		"empty":             "",
		"unknown field":     strings.Replace(goodConfig, `"key"`, `"pin"`, 1),
		"missing key":       strings.Replace(goodConfig, `"key": "k", `, "", 1),
		"something behind":  goodConfig + "x",
		"two objects":       goodConfig + goodConfig,
		"not an object":     `["module"]`,
		"negative number":   strings.Replace(goodConfig, "4160", "-1", 1),
		"zero byte in name": strings.Replace(goodConfig, `"t"`, `"t\u0000"`, 1),
		"too long":          goodConfig + strings.Repeat(" ", maxConfig),
	} {
		if c, err := parseConfig([]byte(text)); err == nil {
			t.Errorf("%s: read as %+v", name, c)
		}
	}
}

// TestWithoutCgo: a program without cgo says so, and one with cgo does not.
func TestWithoutCgo(t *testing.T) {
	t.Parallel()
	_, err := Open(Config{Module: "/nowhere", Token: "t", Key: "k", PINFile: "/nowhere"})
	if err == nil || errors.Is(err, ErrNotBuilt) == withCgo {
		t.Errorf("Open with cgo %v: %v", withCgo, err)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(goodConfig))
	f.Add([]byte(`{"module":"m"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseConfig(b)
		if err == nil && (c.Module == "" || c.Token == "" || c.Key == "" || c.PINFile == "") {
			t.Errorf("%q is read as %+v", b, c)
		}
	})
}
