package crl_test

import (
	"encoding/hex"
	"math/big"
	"runtime"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/second"
)

const million = 1_000_000

// BenchmarkBuildMillion builds, signs, reads back and verifies a CRL of a million
// entries with both implementations. heap-MB is all the memory that the heap ever had.
func BenchmarkBuildMillion(b *testing.B) {
	a := newAuthority(b, "测试根")
	template := a.template(1)
	template.Expect = million
	var size int
	b.ReportAllocs()
	for b.Loop() {
		list, err := crl.Build(template, many(million), a.Key, second.Opinion{})
		if err != nil {
			b.Fatal(err)
		}
		size = len(list.DER)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(size)/1e6, "list-MB")
	b.ReportMetric(float64(m.HeapSys)/1e6, "heap-MB")
}

// BenchmarkParseMillion reads and verifies that list.
func BenchmarkParseMillion(b *testing.B) {
	list, a := millionList(b)
	b.ReportAllocs()
	for b.Loop() {
		read, err := crl.Parse(list.DER)
		if err != nil {
			b.Fatal(err)
		}
		if err := read.Verify(a.Certificate, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseUnsorted reads a list of a million entries that are in no order, as a
// stranger may send it.
func BenchmarkParseUnsorted(b *testing.B) {
	var entries cryptobyte.Builder
	entries.AddASN1(cbasn1.SEQUENCE, func(list *cryptobyte.Builder) {
		for i := range uint64(million) {
			list.AddASN1(cbasn1.SEQUENCE, func(one *cryptobyte.Builder) {
				one.AddASN1BigInt(new(big.Int).SetBytes(serial(i * 7919 % million)))
				cert.AddTime(one, now)
			})
		}
	})
	c := usual()
	c.entries = hex.EncodeToString(entries.BytesOrPanic())
	der := c.der(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := crl.Parse(der); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFind looks a serial number up in that list.
func BenchmarkFind(b *testing.B) {
	list, _ := millionList(b)
	var serials [][]byte
	for e := range list.All() {
		serials = append(serials, e.Serial)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, found := list.Find(serials[i*7919%len(serials)]); !found {
			b.Fatal("not found")
		}
		i++
	}
}

func millionList(b *testing.B) (*crl.List, authority) {
	b.Helper()
	a := newAuthority(b, "测试根")
	list, err := crl.Build(a.template(1), many(million), a.Key, nil)
	if err != nil {
		b.Fatal(err)
	}
	return list, a
}
