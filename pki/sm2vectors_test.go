package pki_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/fixedkey"
	"github.com/elicence/elicence/pki/second"
)

var update = flag.Bool("update", false, "write the SM2 vectors anew; a change of a published vector needs a note")

const vectorFile = "../testdata/vectors/sm2/sm2_sm3_verify.json"

// The file is shaped like Wycheproof's ecdsa_verify: see testdata/vectors/sm2/README.md.
type (
	vectorSuite struct {
		Algorithm        string              `json:"algorithm"`
		GeneratorVersion string              `json:"generatorVersion"`
		NumberOfTests    int                 `json:"numberOfTests"`
		Header           []string            `json:"header"`
		Notes            map[string]string   `json:"notes"`
		Deviations       map[string][]string `json:"deviations"`
		TestGroups       []*vectorGroup      `json:"testGroups"`
	}
	vectorGroup struct {
		Type         string       `json:"type"`
		PublicKey    *vectorKey   `json:"publicKey,omitempty"` // not of a bad key
		PublicKeyDER string       `json:"publicKeyDer"`
		SHA          string       `json:"sha"`
		UserID       string       `json:"userId,omitempty"` // not where the digest is given
		Tests        []vectorTest `json:"tests"`
	}
	vectorKey struct {
		Type         string `json:"type"`
		Curve        string `json:"curve"`
		KeySize      int    `json:"keySize"`
		Uncompressed string `json:"uncompressed"`
		WX           string `json:"wx"`
		WY           string `json:"wy"`
	}
	vectorTest struct {
		ID      int      `json:"tcId"`
		Comment string   `json:"comment"`
		Flags   []string `json:"flags"`
		Msg     string   `json:"msg"`
		Sig     string   `json:"sig"`
		Result  string   `json:"result"`
		// Accepts names implementations that are known to take an invalid test, Refuses
		// those that are known to refuse a valid one.
		Accepts []string `json:"accepts,omitempty"`
		Refuses []string `json:"refuses,omitempty"`
	}
)

const (
	typeMessage = "Sm2Verify"       // msg is the message
	typeDigest  = "Sm2VerifyDigest" // msg is e itself, 32 bytes
)

// TestVectorsAreWhatWePublish: the file is what the generator makes.
func TestVectorsAreWhatWePublish(t *testing.T) {
	t.Parallel()
	want, err := json.MarshalIndent(buildVectors(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(vectorFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the generator makes; see -update", vectorFile)
	}
}

func readVectors(t *testing.T) *vectorSuite {
	t.Helper()
	content, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var suite vectorSuite
	if err := json.Unmarshal(content, &suite); err != nil {
		t.Fatal(err)
	}
	return &suite
}

// verifiers are the implementations that must agree. Each says whether it accepts.
var verifiers = map[string]func(t *testing.T, g *vectorGroup, msg, sig []byte) bool{
	"pki": func(t *testing.T, g *vectorGroup, msg, sig []byte) bool {
		key, err := pki.ParseSPKI(unhex(t, g.PublicKeyDER))
		if err != nil {
			return false
		}
		signature, err := pki.ParseSignatureDER(sig)
		if err != nil {
			return false
		}
		if g.Type == typeDigest {
			return key.VerifyDigest([32]byte(msg), signature)
		}
		return key.Verify(msg, signature)
	},
	// The second opinion has a key and 64 octets; the encodings are not its business.
	"tjfoc": func(t *testing.T, g *vectorGroup, msg, sig []byte) bool {
		key, err := pki.ParseSPKI(unhex(t, g.PublicKeyDER))
		if err != nil {
			return false
		}
		signature, err := pki.ParseSignatureDER(sig)
		if err != nil {
			return false
		}
		if g.Type == typeDigest {
			return second.Opinion{}.VerifyDigest(key.Point(), msg, signature)
		}
		accepts, err := second.Opinion{}.Verify(key.Point(), msg, signature)
		return accepts && err == nil
	},
	// Tables of one key, whose arithmetic is our own.
	"fixedkey": func(t *testing.T, g *vectorGroup, msg, sig []byte) bool {
		key, err := pki.ParseSPKI(unhex(t, g.PublicKeyDER))
		if err != nil {
			return false
		}
		signature, err := pki.ParseSignatureDER(sig)
		if err != nil {
			return false
		}
		e := key.Digest(msg)
		if g.Type == typeDigest {
			e = [32]byte(msg)
		}
		return fixedkey.New(key).VerifyDigest(e, signature)
	},
	"openssl": func(t *testing.T, g *vectorGroup, msg, sig []byte) bool {
		dir := t.TempDir()
		file := func(name string, content []byte) string {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		key := file("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: unhex(t, g.PublicKeyDER)}))
		message, signature := file("msg", msg), file("sig", sig)
		if g.Type == typeDigest {
			out, err := tooltest.Try(t, "openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-in", message, "-sigfile", signature)
			return err == nil && strings.Contains(out, "Signature Verified Successfully")
		}
		out, err := tooltest.Try(t, "openssl", "dgst", "-sm3", "-verify", key, "-signature", signature, "-sigopt", "distid:"+pki.UserID, message)
		return err == nil && strings.Contains(out, "Verified OK")
	},
}

func TestVectors(t *testing.T) {
	t.Parallel()
	suite := readVectors(t)
	for name, accepts := range verifiers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "openssl" {
				tooltest.Need(t, "openssl")
			}
			ran := 0
			for _, g := range suite.TestGroups {
				for _, v := range g.Tests {
					ran++
					want := v.Result == "valid"
					if slices.Contains(v.Accepts, name) || slices.Contains(v.Refuses, name) {
						want = !want
					}
					if got := accepts(t, g, unhex(t, v.Msg), unhex(t, v.Sig)); got != want {
						t.Errorf("test %d, %s: accepted is %v, want %v", v.ID, v.Comment, got, want)
					}
				}
			}
			if ran != suite.NumberOfTests || ran < 150 {
				t.Errorf("%d tests ran, the file says %d", ran, suite.NumberOfTests)
			}
		})
	}
}
