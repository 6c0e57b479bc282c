package qr

import (
	"bytes"
	"crypto/elliptic"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

// device is a holder's device in software.
type device struct {
	key  *DeviceKey
	sign pkitest.RawSigner
}

func newDevice(tb testing.TB, algorithm DeviceAlgorithm) device {
	tb.Helper()
	newSigner := pkitest.NewSM2Signer
	if algorithm == DeviceP256 {
		newSigner = pkitest.NewP256Signer
	}
	point, sign := newSigner(tb)
	key, err := ParseDeviceKey(algorithm, point)
	if err != nil {
		tb.Fatal(err)
	}
	return device{key, sign}
}

func deviceCredential(tb testing.TB, d device) []byte {
	tb.Helper()
	c := person()
	c.Device, c.Expires = d.key, c.SignedAt.Add(MaxDeviceLife)
	b, err := c.SignForDevice(pkitest.NewKey(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestPresentationRoundTrip(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []DeviceAlgorithm{DeviceSM2, DeviceP256} {
		for _, challenge := range []*Challenge{nil, {Nonce: [16]byte{1, 15: 2}, Hall: "合肥政务中心三号窗口"}} {
			d := newDevice(t, algorithm)
			p := &Presentation{Credential: deviceCredential(t, d), At: signedAt.Add(time.Hour), Challenge: challenge}
			message, err := p.ToBeSigned()
			if err != nil {
				t.Fatal(err)
			}
			nonce, hall := []byte{}, ""
			if challenge != nil {
				nonce, hall = challenge.Nonce[:], challenge.Hall
			}
			want, err := detcbor.Marshal([]any{"elicence/present/1", p.Credential, p.At.Unix(), nonce, hall})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(message, want) {
				t.Errorf("%s: to be signed\n got %x\nwant %x", algorithm, message, want)
			}
			b, err := p.Assemble(d.sign(message))
			if err != nil {
				t.Fatal(err)
			}
			got, err := ParsePresentation(b)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Credential, p.Credential) || !got.At.Equal(p.At) || (got.Challenge == nil) != (challenge == nil) ||
				challenge != nil && *got.Challenge != *challenge || got.Signature != p.Signature {
				t.Errorf("%s: read back %+v, want %+v", algorithm, got, p)
			}
			again, err := got.ToBeSigned()
			if err != nil || !bytes.Equal(again, message) {
				t.Errorf("%s: what was read is signed over %x, %v, want %x", algorithm, again, err, message)
			}
			if d.key.Judge(again, got.Signature, nil) != pki.Good {
				t.Errorf("%s: the signature that was read does not verify", algorithm)
			}
		}
	}
}

// TestHighS: of the two signatures that are good for ECDSA one form is accepted, and
// whatever a browser gives is brought into it.
func TestHighS(t *testing.T) {
	t.Parallel()
	d := newDevice(t, DeviceP256)
	p := &Presentation{Credential: deviceCredential(t, d), At: signedAt}
	message, err := p.ToBeSigned()
	if err != nil {
		t.Fatal(err)
	}
	n := elliptic.P256().Params().N
	low := d.key.Normal(d.sign(message))
	high := low
	new(big.Int).Sub(n, new(big.Int).SetBytes(low[32:])).FillBytes(high[32:])
	if d.key.Judge(message, low, nil) != pki.Good || d.key.Judge(message, high, nil) != pki.Bad {
		t.Error("s ≤ n/2 is refused or s > n/2 accepted")
	}
	for name, signature := range map[string]pki.Signature{"low": low, "high": high} {
		b, err := p.Assemble(signature)
		if err != nil || !bytes.Equal(b[len(b)-64:], low[:]) {
			t.Errorf("%s s: Assemble = %x, %v, want the low one", name, b, err)
		}
	}
	half := new(big.Int).Rsh(n, 1)
	for s, want := range map[*big.Int]bool{half: false, new(big.Int).Add(half, big.NewInt(1)): true, n: true} {
		var signature pki.Signature
		s.FillBytes(signature[32:])
		if isHigh(signature) != want {
			t.Errorf("isHigh(%x) = %t", s, !want)
		}
	}
}

func TestAssembleRefuses(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []DeviceAlgorithm{DeviceSM2, DeviceP256} {
		d, other := newDevice(t, algorithm), newDevice(t, algorithm)
		credential := deviceCredential(t, d)
		printed, err := person().Sign(pkitest.NewKey(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			name string
			by   device
			p    Presentation
		}{
			{"another device", other, Presentation{Credential: credential, At: signedAt}},
			{"a printed credential", d, Presentation{Credential: printed, At: signedAt}},
			{"no credential", d, Presentation{Credential: []byte{0xa0}, At: signedAt}},
			{"a hall without a name", d, Presentation{Credential: credential, At: signedAt, Challenge: new(Challenge)}},
			{"before 1970", d, Presentation{Credential: credential, At: time.Unix(-1, 0)}},
		} {
			message, err := tt.p.ToBeSigned()
			if err == nil {
				_, err = tt.p.Assemble(tt.by.sign(message))
			}
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%s, %s: %v, want ErrMalformed", algorithm, tt.name, err)
			}
		}
	}
}

func TestSignForDeviceRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Credential){
		"no device key":          func(c *Credential) { c.Device = nil },
		"thirty days and a bit":  func(c *Credential) { c.Expires = c.SignedAt.Add(MaxDeviceLife + time.Second) },
		"too long for a nonce":   func(c *Credential) { c.Summary.Holder = strings.Repeat("长", 60) },
		"a holder that is empty": func(c *Credential) { c.Summary.Holder = "" },
	} {
		c := person()
		c.Device, c.Expires = newDevice(t, DeviceSM2).key, c.SignedAt.Add(MaxDeviceLife)
		change(c)
		if _, err := c.SignForDevice(pkitest.NewKey(t)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}

// TestLongestPresentation: a credential of the longest allowed bytes in answer to the
// hall with the longest name just fits a screen.
func TestLongestPresentation(t *testing.T) {
	t.Parallel()
	d := newDevice(t, DeviceP256)
	c := person()
	c.Device, c.Expires = d.key, c.SignedAt.Add(MaxDeviceLife)
	n, err := c.Size()
	if err != nil {
		t.Fatal(err)
	}
	c.Summary.Holder += strings.Repeat("x", MaxDeviceCredential-n-1)
	if n, err = c.Size(); n > MaxDeviceCredential || err != nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
	c.Summary.Holder += strings.Repeat("x", MaxDeviceCredential-n)
	credential, err := c.SignForDevice(pkitest.NewKey(t))
	if err != nil || len(credential) != MaxDeviceCredential {
		t.Fatalf("%d bytes, %v, want %d", len(credential), err, MaxDeviceCredential)
	}
	p := &Presentation{Credential: credential, At: signedAt, Challenge: &Challenge{Hall: strings.Repeat("厅", MaxHall/3)}}
	message, err := p.ToBeSigned()
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Assemble(d.sign(message))
	if err != nil || len(b) != MaxScreen {
		t.Errorf("%d bytes, %v, want %d", len(b), err, MaxScreen)
	}
}

func TestParsePresentationRefuses(t *testing.T) {
	t.Parallel()
	credential := bytes.Repeat([]byte{7}, 200)
	sig := make([]byte, 64)
	encode := func(items ...any) []byte {
		b, err := detcbor.Marshal(items)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	nonce := make([]byte, 16)
	good := encode(credential, 1700000000, []byte{}, "", sig)
	for _, b := range [][]byte{good, encode(credential, 0, nonce, "合肥大厅", sig), encode(credential, maxSeconds, nonce, strings.Repeat("h", MaxHall), sig)} {
		if _, err := ParsePresentation(b); err != nil {
			t.Errorf("%x: %v", b, err)
		}
	}
	for name, b := range map[string][]byte{
		"empty": nil, "a map": {0xa0}, "four items": encode(credential, 1700000000, []byte{}, ""), "six items": encode(credential, 1, []byte{}, "", sig, 0),
		"a byte more": append(bytes.Clone(good), 0), "a byte less": good[:len(good)-1],
		"a short nonce": encode(credential, 1, nonce[1:], "h", sig), "a long nonce": encode(credential, 1, append(nonce, 0), "h", sig),
		"a hall without a nonce": encode(credential, 1, []byte{}, "h", sig), "a nonce without a hall": encode(credential, 1, nonce, "", sig),
		"null for the nonce": encode(credential, 1, nil, "", sig), "a long hall": encode(credential, 1, nonce, strings.Repeat("h", MaxHall+1), sig),
		"a hall with a line feed": encode(credential, 1, nonce, "a\nb", sig), "a hall as bytes": encode(credential, 1, nonce, []byte("h"), sig),
		"negative time": encode(credential, -1, []byte{}, "", sig), "after the year 9999": encode(credential, maxSeconds+1, []byte{}, "", sig),
		"time as text": encode(credential, "1", []byte{}, "", sig), "a short signature": encode(credential, 1, []byte{}, "", sig[1:]),
		"credential as text":    encode("x", 1, []byte{}, "", sig),
		"more than 408 bytes":   encode(bytes.Repeat([]byte{7}, 336), 1, []byte{}, "", sig),
		"a longer array":        append([]byte{0x98, 0x05}, good[1:]...),
		"an indefinite array":   append(append([]byte{0x9f}, good[1:]...), 0xff),
		"a longer time":         bytes.Replace(good, []byte{0x1a, 0x65, 0x53, 0xf1, 0x00}, []byte{0x1b, 0, 0, 0, 0, 0x65, 0x53, 0xf1, 0x00}, 1),
		"a credential's length": bytes.Replace(good, []byte{0x58, 200}, []byte{0x59, 0, 200}, 1),
	} {
		if p, err := ParsePresentation(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: ParsePresentation = %+v, %v, want ErrMalformed", name, p, err)
		}
	}
}

func TestParseDeviceKeyRefuses(t *testing.T) {
	t.Parallel()
	sm2Point, p256Point := newDevice(t, DeviceSM2).key.Point(), newDevice(t, DeviceP256).key.Point()
	offCurve := func(algorithm DeviceAlgorithm, point pki.Point) []byte {
		for {
			point[32]++
			if _, err := ParseDeviceKey(algorithm, point[:]); err != nil {
				return point[:]
			}
		}
	}
	for _, tt := range []struct {
		name      string
		algorithm DeviceAlgorithm
		point     []byte
	}{
		{"no point", DeviceSM2, nil},
		{"32 bytes", DeviceP256, p256Point[1:]},
		{"uncompressed head", DeviceP256, append([]byte{4}, p256Point[1:]...)},
		{"infinity", DeviceP256, make([]byte, 33)},
		{"x beyond the field, P-256", DeviceP256, append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...)},
		{"x beyond the field, SM2", DeviceSM2, append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...)},
		{"off the curve, P-256", DeviceP256, offCurve(DeviceP256, p256Point)},
		{"off the curve, SM2", DeviceSM2, offCurve(DeviceSM2, sm2Point)},
		{"another algorithm", -8, p256Point[:]},
	} {
		if _, err := ParseDeviceKey(tt.algorithm, tt.point); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", tt.name, err)
		}
	}
}

func FuzzParsePresentation(f *testing.F) {
	for _, algorithm := range []DeviceAlgorithm{DeviceSM2, DeviceP256} {
		d := newDevice(f, algorithm)
		for _, challenge := range []*Challenge{nil, {Nonce: [16]byte{1}, Hall: "甲厅"}} {
			p := &Presentation{Credential: deviceCredential(f, d), At: signedAt, Challenge: challenge}
			message, err := p.ToBeSigned()
			if err != nil {
				f.Fatal(err)
			}
			b, err := p.Assemble(d.sign(message))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePresentation(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("error %v does not wrap ErrMalformed", err)
			}
			return
		}
		// There is one encoding, and what is signed does not depend on how it came.
		written := &Presentation{Credential: p.Credential, At: p.At, Challenge: p.Challenge, Signature: p.Signature}
		if written.body, err = written.encodeBody(); err != nil {
			t.Fatal(err)
		}
		if again, err := written.bytes(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("accepted %x, which is not the one encoding %x (%v)", b, again, err)
		}
		if m, err := cose.Parse(p.Credential); err == nil {
			_, _ = ParseDeviceCredential(m.Payload)
		}
	})
}
