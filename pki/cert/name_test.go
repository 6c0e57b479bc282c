package cert_test

import (
	"testing"

	"github.com/elicence/elicence/pki/cert"
)

func TestParseName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]cert.Name{
		"C=CN, O=测试局, CN=服务": {Country: "CN", Organization: "测试局", CommonName: "服务"},
		"cn=x,c=CN":          {Country: "CN", CommonName: "x"},
		`C=CN,O=甲\,乙,CN=a=b`: {Country: "CN", Organization: "甲,乙", CommonName: "a=b"},
	} {
		got, err := cert.ParseName(text)
		if err != nil || got != want {
			t.Errorf("ParseName(%q) = %+v, %v, want %+v", text, got, err, want)
		}
		if back, err := cert.ParseName(got.String()); err != nil || back != got {
			t.Errorf("ParseName(%q) = %+v, %v, want %+v", got.String(), back, err, got)
		}
	}
	for _, text := range []string{"", "x", "C=", "C=CN,C=CN", "EMAIL=a", "C=CN,,CN=x", "C=CN,CN=\x00"} {
		if got, err := cert.ParseName(text); err == nil {
			t.Errorf("ParseName(%q) = %+v", text, got)
		}
	}
}

func FuzzParseName(f *testing.F) {
	f.Add("C=CN, ST=安徽省, L=合肥市, O=测试局, OU=一处, SERIALNUMBER=A1, CN=服务")
	f.Add(`C=CN,O=甲\,乙`)
	f.Fuzz(func(t *testing.T, text string) {
		n, err := cert.ParseName(text)
		if err != nil || n.Check() != nil {
			return
		}
		if back, err := cert.ParseName(n.String()); err != nil || back != n {
			t.Errorf("%q is %+v, and read again %+v, %v", text, n, back, err)
		}
	})
}
