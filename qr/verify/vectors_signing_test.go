package verify_test

import (
	"crypto/elliptic"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/readertest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/qr"
)

// signingName is the file that has no scans.
const signingName = "signing.json"

// signingFile is for those who write wallets: what a device signs, and what a hall asks.
type signingFile struct {
	Presentations []signingVector  `json:"presentations"`
	Questions     []questionVector `json:"questions"`
}

// signingVector is a presentation on its way. Bytes are hexadecimal.
type signingVector struct {
	Name       string `json:"name"`
	Algorithm  int    `json:"algorithm"` // of the device, as COSE numbers it
	Device     string `json:"device"`    // compressed point
	Credential string `json:"credential"`
	Seconds    int64  `json:"seconds"`
	Nonce      string `json:"nonce"`
	Hall       string `json:"hall"`
	Signed     string `json:"signed"`    // what the device signs
	Signature  string `json:"signature"` // as the device gives it: on P-256 s may be high
	Code       string `json:"code"`
}

// questionVector is the text of a hall's question; one that is refused says nothing.
type questionVector struct {
	Name  string `json:"name"`
	Text  string `json:"text"`
	Nonce string `json:"nonce"`
	Hall  string `json:"hall"`
}

// signing makes the vectors for wallets.
func signing(tb testing.TB, d *vectorDomain) signingFile {
	tb.Helper()
	r := &rows{tb: tb, domain: d}
	question := &qr.Challenge{Nonce: [16]byte{0: 0xa5, 15: 0x5a}, Hall: "甲厅三号窗口"}
	var file signingFile
	for _, tt := range []struct {
		name     string
		device   *vectorDevice
		question *qr.Challenge
		high     bool
	}{
		{"SM2", d.phone, nil, false},
		{"SM2, in answer to a hall", d.phone, question, false},
		{"P-256", d.browser, nil, false},
		{"P-256, in answer to a hall", d.browser, question, false},
		{"P-256, the device gives n − s", d.browser, nil, true},
	} {
		l := r.liveParts(tt.device, nil)
		credential := r.signedCredential(l)
		nonce, hall := []byte{}, ""
		if tt.question != nil {
			nonce, hall = tt.question.Nonce[:], tt.question.Hall
		}
		message := r.marshal([]any{"elicence/present/1", credential, l.seconds, nonce, hall})
		signature := tt.device.signature(message)
		l.question = tt.question
		code := r.digits(qr.KindHolder, r.assembled(l, credential))
		if tt.high {
			signature = highS(signature)
		}
		point := tt.device.key.Point()
		file.Presentations = append(file.Presentations, signingVector{
			Name: tt.name, Algorithm: int(tt.device.key.Algorithm()), Device: hex.EncodeToString(point[:]), Credential: hex.EncodeToString(credential),
			Seconds: l.seconds, Nonce: hex.EncodeToString(nonce), Hall: hall, Signed: hex.EncodeToString(message), Signature: hex.EncodeToString(signature[:]), Code: code,
		})
	}
	text := func(kind string, items any) string { return reKinded(r, kind, r.marshal(items)) }
	nonce := question.Nonce[:]
	good, err := question.Text()
	if err != nil {
		tb.Fatal(err)
	}
	file.Questions = []questionVector{
		{"good", good, hex.EncodeToString(nonce), question.Hall},
		{"good, in the address of a wallet", "https://localhost/wallet#" + good + "\r\n", hex.EncodeToString(nonce), question.Hall},
		{"the longest name", text("9", []any{nonce, strings.Repeat("厅", 10)}), hex.EncodeToString(nonce), strings.Repeat("厅", 10)},
		{"the shortest name", text("9", []any{nonce, "1"}), hex.EncodeToString(nonce), "1"},
	}
	for name, text := range map[string]string{
		"a code of kind 1": r.licence(nil), "a question of kind 8": text("8", []any{nonce, "甲厅"}), "31 bytes": text("9", []any{nonce, strings.Repeat("h", 31)}),
		"no name": text("9", []any{nonce, ""}), "15 bytes of nonce": text("9", []any{nonce[1:], "甲厅"}), "three items": text("9", []any{nonce, "甲厅", 1}),
		"a name that turns round": text("9", []any{nonce, "甲\u202e厅"}), "a byte more": reKinded(r, "9", append(r.marshal([]any{nonce, "甲厅"}), 0)),
		"a wrong check digit": good[:len(good)-1] + string('0'+(good[len(good)-1]-'0'+1)%10), "nothing": "",
	} {
		file.Questions = append(file.Questions, questionVector{Name: name, Text: text})
	}
	slices.SortFunc(file.Questions[4:], func(a, b questionVector) int { return strings.Compare(a.Name, b.Name) })
	return file
}

// highS is the other signature that is good for ECDSA.
func highS(signature pki.Signature) pki.Signature {
	s := new(big.Int).SetBytes(signature[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(signature[32:])
	return signature
}

// reKinded writes bytes as the text of a kind that is none of a code.
func reKinded(r *rows, kind string, b []byte) string {
	digits := r.digits(qr.KindLicence, b)
	return textOf("1" + kind + digits[2:len(digits)-5])
}

// TestSigningVectors: what the file says is what package qr makes and the second reader
// reads.
func TestSigningVectors(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(vectorFolder, signingName))
	if err != nil {
		t.Fatal(err)
	}
	var file signingFile
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Presentations) < 5 || len(file.Questions) < 10 {
		t.Errorf("%d presentations, %d questions", len(file.Presentations), len(file.Questions))
	}
	for _, v := range file.Presentations {
		p := &qr.Presentation{Credential: unhex(t, v.Credential), At: time.Unix(v.Seconds, 0)}
		if v.Nonce != "" {
			p.Challenge = &qr.Challenge{Nonce: [16]byte(unhex(t, v.Nonce)), Hall: v.Hall}
		}
		message, err := p.ToBeSigned()
		if err != nil || hex.EncodeToString(message) != v.Signed {
			t.Errorf("%s: to be signed %x, %v, want %s", v.Name, message, err, v.Signed)
		}
		device, err := qr.ParseDeviceKey(qr.DeviceAlgorithm(v.Algorithm), unhex(t, v.Device))
		if err != nil {
			t.Fatal(err)
		}
		signature := pki.Signature(unhex(t, v.Signature))
		if device.Judge(message, device.Normal(signature), nil) != pki.Good {
			t.Errorf("%s: the signature is not that of the device", v.Name)
		}
		b, err := p.Assemble(signature)
		if err != nil {
			t.Fatal(err)
		}
		if code, err := qr.Encode(qr.KindHolder, b); err != nil || code != v.Code {
			t.Errorf("%s: code %s, %v, want %s", v.Name, code, err, v.Code)
		}
	}
	for _, v := range file.Questions {
		c, err := qr.ParseChallenge(qr.Scanned(v.Text))
		if (err == nil) != (v.Hall != "") || err == nil && (c.Hall != v.Hall || hex.EncodeToString(c.Nonce[:]) != v.Nonce) {
			t.Errorf("%s: %+v, %v", v.Name, c, err)
		}
		nonce, hall, err := readertest.Question(v.Text)
		if (err == nil) != (v.Hall != "") || err == nil && (hall != v.Hall || hex.EncodeToString(nonce) != v.Nonce) {
			t.Errorf("%s: the second reader reads %x, %s, %v", v.Name, nonce, hall, err)
		}
	}
}

// TestSigningVectorsByOpenSSL: another program accepts what a device has signed, and not
// another message.
func TestSigningVectorsByOpenSSL(t *testing.T) {
	t.Parallel()
	tooltest.Need(t, "openssl")
	b, err := os.ReadFile(filepath.Join(vectorFolder, signingName))
	if err != nil {
		t.Fatal(err)
	}
	var file signingFile
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	// SubjectPublicKeyInfo of a compressed point.
	heads := map[int]string{
		int(qr.DeviceSM2):  "3039301306072a8648ce3d020106082a811ccf5501822d032200",
		int(qr.DeviceP256): "3039301306072a8648ce3d020106082a8648ce3d030107032200",
	}
	digests := map[int][]string{int(qr.DeviceSM2): {"-sm3", "-sigopt", "distid:1234567812345678"}, int(qr.DeviceP256): {"-sha256"}}
	for _, v := range file.Presentations {
		dir := t.TempDir()
		write := func(name string, b []byte) string {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		spki := append(unhex(t, heads[v.Algorithm]), unhex(t, v.Device)...)
		key := write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
		args := append([]string{"dgst", "-verify", key, "-signature", write("signature", pki.Signature(unhex(t, v.Signature)).DER())}, digests[v.Algorithm]...)
		if out, err := tooltest.Try(t, "openssl", append(args, write("message", unhex(t, v.Signed)))...); err != nil {
			t.Errorf("%s: %v: %s", v.Name, err, out)
		}
		other := unhex(t, v.Signed)
		other[len(other)-1] ^= 1
		if out, err := tooltest.Try(t, "openssl", append(args, write("other", other))...); err == nil {
			t.Errorf("%s: another message is accepted: %s", v.Name, out)
		}
	}
}
