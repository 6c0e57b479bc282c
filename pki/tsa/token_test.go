package tsa_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/tsa"
)

// info is the DER of a TSTInfo; the text is its genTime, the rest follows that.
func info(version int64, time string, rest []byte) []byte {
	digest := sm3.Sum(nil)
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(version)
		oid.Add(b, oid.Of(1, 2, 3))
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			oid.AddAlgorithm(b, oid.SM3)
			b.AddASN1OctetString(digest[:])
		})
		b.AddASN1Int64(7)
		b.AddASN1(cbasn1.GeneralizedTime, func(b *cryptobyte.Builder) { b.AddBytes([]byte(time)) })
		b.AddBytes(rest)
	})
	return b.BytesOrPanic()
}

// sign makes a token over any content.
func sign(tb testing.TB, s *pkitest.Stamping, content []byte, change ...func(*cms.Template)) []byte {
	tb.Helper()
	template := cms.Template{Chain: []*cert.Certificate{s.Certificate}, ContentType: oid.TSTInfo, Content: content}
	for _, c := range change {
		c(&template)
	}
	der, err := template.Sign(sm3.Sum(content), s.Key)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// stampInfo is a TSTInfo and a part of the error that refuses it; empty: it is read.
type stampInfo struct {
	content []byte
	want    string
}

// stampInfos are of the time now, in the form of genTime, or of times that are none.
func stampInfos(now string) map[string]stampInfo {
	second := now[:14]
	return map[string]stampInfo{
		"plain":                          {info(1, now, nil), ""},
		"fraction":                       {info(1, second+".5Z", nil), ""},
		"accuracy":                       {info(1, now, []byte{0x30, 9, 2, 1, 1, 0x80, 1, 5, 0x81, 1, 7}), ""},
		"empty accuracy":                 {info(1, now, []byte{0x30, 0}), ""},
		"ordering, nonce, name":          {info(1, now, []byte{1, 1, 0xff, 2, 1, 5, 0xa0, 3, 0x82, 1, 'x'}), ""},
		"an extension":                   {info(1, now, []byte{0xa1, 9, 0x30, 7, 6, 2, 0x2a, 3, 4, 1, 0}), ""},
		"version 2":                      {info(2, now, nil), "version 1"},
		"fraction with a zero behind":    {info(1, second+".50Z", nil), "GeneralizedTime"},
		"fraction of nothing":            {info(1, second+".Z", nil), "GeneralizedTime"},
		"fraction with a comma":          {info(1, second+",5Z", nil), "GeneralizedTime"},
		"local time":                     {info(1, second, nil), "GeneralizedTime"},
		"offset":                         {info(1, second+"+0800", nil), "GeneralizedTime"},
		"no seconds":                     {info(1, "202611261100Z", nil), "GeneralizedTime"},
		"31 February":                    {info(1, "20260231110000Z", nil), "GeneralizedTime"},
		"accuracy of 1000 ms":            {info(1, now, []byte{0x30, 4, 0x80, 2, 3, 0xe8}), "accuracy"},
		"accuracy of 0 ms":               {info(1, now, []byte{0x30, 3, 0x80, 1, 0}), "accuracy"},
		"accuracy padded":                {info(1, now, []byte{0x30, 4, 0x80, 2, 0, 5}), "accuracy"},
		"accuracy negative":              {info(1, now, []byte{0x30, 3, 2, 1, 0xff}), "accuracy"},
		"accuracy of years":              {info(1, now, []byte{0x30, 6, 2, 4, 0x7f, 0xff, 0xff, 0xff}), "accuracy"},
		"accuracy, micros before millis": {info(1, now, []byte{0x30, 6, 0x81, 1, 5, 0x80, 1, 7}), "accuracy"},
		"ordering FALSE":                 {info(1, now, []byte{1, 1, 0}), "ordering"},
		"critical extension":             {info(1, now, []byte{0xa1, 12, 0x30, 10, 6, 2, 0x2a, 3, 1, 1, 0xff, 4, 1, 0}), "critical"},
		"nonce padded":                   {info(1, now, []byte{2, 2, 0, 5}), "nonce"},
		"something behind":               {info(1, now, []byte{5, 0}), "follows"},
		"trailing byte":                  {append(info(1, now, nil), 0), "TSTInfo"},
		"not TSTInfo":                    {[]byte("hello"), "TSTInfo"},
		"empty":                          {[]byte{}, "TSTInfo"},
	}
}

func TestParseToken(t *testing.T) {
	t.Parallel()
	s := pkitest.NewStamping(t, time.Now())
	for name, tt := range stampInfos("20261126110000Z") {
		_, err := tsa.ParseToken(sign(t, s, tt.content))
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if !errors.Is(err, tsa.ErrMalformed) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want ErrMalformed and %q", name, err, tt.want)
		}
	}
}

// TestTokenForms: what else a token may be, and what it may not.
func TestTokenForms(t *testing.T) {
	t.Parallel()
	s := pkitest.NewStamping(t, time.Now())
	content := info(1, time.Now().UTC().Format("20060102150405Z"), nil)
	imprint := tsa.SM3(sm3.Sum(nil))
	gm, err := tsa.ParseToken(sign(t, s, content, func(c *cms.Template) { c.GM = true }))
	if err != nil {
		t.Fatal(err)
	}
	if err := gm.Verify(imprint, s.Chain, nil); err != nil {
		t.Errorf("under the content type of GB/T 35275: Verify = %v", err)
	}
	if _, err := tsa.ParseToken(sign(t, s, content, func(c *cms.Template) { c.ContentType = oid.Data })); !errors.Is(err, tsa.ErrMalformed) {
		t.Errorf("data as a token: %v", err)
	}
	if _, err := tsa.ParseToken(sign(t, s, content, func(c *cms.Template) { c.Content = nil })); !errors.Is(err, tsa.ErrMalformed) {
		t.Errorf("a token without content: %v", err)
	}
	if _, err := tsa.ParseToken(sign(t, s, content, func(c *cms.Template) { c.OmitCertificates = true })); !errors.Is(err, cms.ErrNoSigner) {
		t.Errorf("a token without a certificate: %v", err)
	}
	if _, err := tsa.ParseToken(make([]byte, 1<<20)); !errors.Is(err, tsa.ErrMalformed) {
		t.Errorf("1 MB: %v", err)
	}
}

// wrongUsages spoil an authority's certificate.
func wrongUsages() map[string]func(*cert.Template) {
	return map[string]func(*cert.Template){
		"no extended key usage": func(c *cert.Template) { c.ExtUsages = nil },
		"not critical":          func(c *cert.Template) { c.ExtUsageCritical = false },
		"another usage":         func(c *cert.Template) { c.ExtUsages = []oid.ID{oid.UsageOCSPSigning} },
		"a usage beside":        func(c *cert.Template) { c.ExtUsages = append(c.ExtUsages, oid.UsageOCSPSigning) },
		"any usage":             func(c *cert.Template) { c.ExtUsages = []oid.ID{oid.UsageAny} },
		"not for signing":       func(c *cert.Template) { c.Usage = cert.KeyEncipherment },
	}
}

// TestTokenUsage: a signature by any other certificate is no time stamp.
func TestTokenUsage(t *testing.T) {
	t.Parallel()
	content := info(1, time.Now().UTC().Format("20060102150405Z"), nil)
	for name, change := range wrongUsages() {
		s := pkitest.NewStamping(t, time.Now(), change)
		token, err := tsa.ParseToken(sign(t, s, content))
		if err != nil {
			t.Fatal(err)
		}
		if err := token.Verify(tsa.SM3(sm3.Sum(nil)), s.Chain, nil); !errors.Is(err, tsa.ErrNotAuthority) {
			t.Errorf("%s: Verify = %v, want ErrNotAuthority", name, err)
		}
	}
}

// TestEveryBitOfAToken: no token with a changed bit verifies.
func TestEveryBitOfAToken(t *testing.T) {
	t.Parallel()
	s := pkitest.NewStamping(t, time.Now())
	response, err := s.Authority(t).Respond(context.Background(), request(t, "content"))
	if err != nil {
		t.Fatal(err)
	}
	der := token(t, response).DER
	for i := range der {
		wrong := bytes.Clone(der)
		wrong[i] ^= 0x10
		parsed, err := tsa.ParseToken(wrong)
		if err != nil {
			continue
		}
		if parsed.Verify(tsa.SM3(sm3.Sum([]byte("content"))), s.Chain, nil) == nil {
			t.Errorf("byte %d: accepted", i)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add(request(f, "content"))
	f.Add(request(f, "", func(r *tsa.Request) { r.Policy, r.Nonce, r.Certificates = oid.Of(1, 2, 3), nil, false }))
	f.Add([]byte{0x30, 0x80, 0, 0})
	f.Fuzz(func(t *testing.T, der []byte) {
		r, err := tsa.ParseRequest(der)
		if err != nil {
			var refusal *tsa.Refusal
			if !errors.As(err, &refusal) {
				t.Errorf("error %v is no Refusal", err)
			}
			return
		}
		again, err := r.Marshal()
		if err != nil || !bytes.Equal(again, der) {
			t.Errorf("%x is written as %x, %v", der, again, err)
		}
	})
}

func FuzzParseResponse(f *testing.F) {
	s := pkitest.NewStamping(f, time.Now())
	a := s.Authority(f)
	for _, q := range [][]byte{request(f, "content"), nil} {
		r, err := a.Respond(context.Background(), q)
		if err != nil && q != nil {
			f.Fatal(err)
		}
		f.Add(r)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		r, err := tsa.ParseResponse(der)
		if err != nil {
			if !errors.Is(err, tsa.ErrMalformed) {
				t.Errorf("error %v does not wrap ErrMalformed", err)
			}
			return
		}
		if _, err := tsa.ParseToken(r.Token); err != nil && !errors.Is(err, tsa.ErrMalformed) && !errors.Is(err, cms.ErrNoSigner) {
			t.Errorf("error %v wraps neither ErrMalformed nor ErrNoSigner", err)
		}
	})
}

func FuzzParseEvidence(f *testing.F) {
	s := pkitest.NewStamping(f, time.Now())
	client := newClient(network{"tsa": s.Authority(f).Respond}, tsa.Source{Name: "tsa", URL: "tsa", Chain: s.Chain})
	digests := [][sm3.Size]byte{sm3.Sum([]byte("a")), sm3.Sum([]byte("b")), sm3.Sum([]byte("c"))}
	batch, err := client.StampBatch(context.Background(), digests)
	if err != nil {
		f.Fatal(err)
	}
	der, err := batch.Evidence(digests[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(der)
	f.Fuzz(func(t *testing.T, der []byte) {
		e, err := tsa.ParseEvidence(der)
		if err != nil {
			if !errors.Is(err, tsa.ErrMalformed) && !errors.Is(err, cms.ErrNoSigner) {
				t.Errorf("error %v wraps neither ErrMalformed nor ErrNoSigner", err)
			}
			return
		}
		if e.Verify(sm3.Sum([]byte("another")), s.Chain, nil) == nil {
			t.Error("a digest that was never stamped is proven")
		}
	})
}
