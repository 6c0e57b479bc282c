package pkcs11

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/elicence/elicence/internal/bilingual"
)

// ErrNotBuilt says that the program was built without cgo and so without PKCS#11.
var ErrNotBuilt = bilingual.New("本程序编译时未加入 PKCS#11 令牌支持", "built without PKCS#11 (build with CGO_ENABLED=1)")

// Config names a token. It is read from a JSON file; paths in it are relative to
// that file.
type Config struct {
	Module  string `json:"module"`   // the library that speaks PKCS#11
	Token   string `json:"token"`    // the token's label
	Key     string `json:"key"`      // the label of the wrapping key
	PINFile string `json:"pin_file"` // whose first line is the user's PIN
	// SM2 is for tokens that have SM2: signing keys then live in the token.
	SM2 *Mechanisms `json:"sm2,omitempty"`
}

// Mechanisms are the numbers that a token has for SM2. PKCS#11 defines none, so
// they are the vendor's.
type Mechanisms struct {
	KeyType  uint `json:"key_type"` // CKK_…
	Generate uint `json:"generate"` // CKM_… of C_GenerateKeyPair
	Sign     uint `json:"sign"`     // CKM_… of C_Sign over the 32 bytes of e, answering r ‖ s
}

const maxConfig = 1 << 16

// ReadConfig reads a token's file. Fields that are not known are refused.
func ReadConfig(path string) (Config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("reading the token's file: %w", err)
	}
	c, err := parseConfig(b)
	if err != nil {
		return Config{}, fmt.Errorf("reading the token's file %s: %w", path, err)
	}
	for _, p := range []*string{&c.Module, &c.PINFile} {
		if !filepath.IsAbs(*p) {
			*p = filepath.Join(filepath.Dir(path), *p)
		}
	}
	return c, nil
}

func parseConfig(b []byte) (Config, error) {
	if len(b) > maxConfig {
		return Config{}, fmt.Errorf("%d bytes are too many", len(b))
	}
	var c Config
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return Config{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Config{}, errors.New("something stands behind the JSON object")
	}
	for _, field := range []struct{ name, value string }{
		{"module", c.Module}, {"token", c.Token}, {"key", c.Key}, {"pin_file", c.PINFile},
	} {
		if field.value == "" || strings.ContainsRune(field.value, 0) {
			return Config{}, fmt.Errorf("%s is missing", field.name)
		}
	}
	return c, nil
}
