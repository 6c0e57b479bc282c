package verify_test

import (
	"crypto"
	"encoding/hex"
	"io"
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/status"
	"github.com/elicence/elicence/qr/trust"
)

// vectorTime is when the vectors' cache was issued and, unless a vector says
// otherwise, the terminal's clock.
var vectorTime = time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)

// vectorSigner is a key that anybody can compute, with signatures that are the same
// each time. It exists for vectors only.
type vectorSigner struct{ *sm2.PrivateKey }

// Sign implements crypto.Signer without randomness.
func (s vectorSigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return sm2.SignDeterministic(s.PrivateKey, digest, opts)
}

// vectorKey is a key whose private half is SM3 of a public text.
func vectorKey(tb testing.TB, name string) (*pki.Key, vectorSigner) {
	tb.Helper()
	scalar := sm3.Sum([]byte("elicence test vectors, never a real key: " + name))
	private, err := sm2.NewPrivateKey(scalar[:])
	if err != nil {
		tb.Fatal(err)
	}
	signer := vectorSigner{private}
	key, err := pki.NewKey(signer)
	if err != nil {
		tb.Fatal(err)
	}
	return key, signer
}

// vectorDomain is the domain that the vectors live in.
type vectorDomain struct {
	issuer, compromised, retired, short, live, unknown *pki.Key
	document, presenter, former                        *pki.Key
	phone, browser, other                              *vectorDevice
	signer                                             vectorSigner // of issuer
	cache                                              fstest.MapFS
	pin                                                string
}

const day = 24 * time.Hour

func newVectorDomain(tb testing.TB) *vectorDomain {
	tb.Helper()
	d := &vectorDomain{cache: make(fstest.MapFS)}
	for name, into := range map[string]**pki.Key{
		"issuer": &d.issuer, "compromised": &d.compromised, "retired": &d.retired, "short": &d.short, "live": &d.live, "unknown": &d.unknown,
		"document": &d.document, "presenter": &d.presenter, "former": &d.former,
	} {
		*into, _ = vectorKey(tb, name)
	}
	_, d.signer = vectorKey(tb, "issuer")
	d.phone, d.browser, d.other = vectorPhone(tb, "phone"), vectorBrowser(tb, "browser"), vectorPhone(tb, "other phone")
	put := func(name string, b []byte) { d.cache[name] = &fstest.MapFile{Data: b} }
	sign := func(role trust.Role, file any) [32]byte {
		key, _ := vectorKey(tb, string(role))
		signed, err := trust.Sign(role, file, second.Opinion{}, key)
		if err != nil {
			tb.Fatal(err)
		}
		name := string(role)
		if role == trust.RoleRoot {
			name = "1.root"
		}
		put(name, signed)
		return sm3.Sum(signed)
	}
	head := trust.Head{Version: 1, Issued: vectorTime.Unix(), Expires: vectorTime.Add(60 * day).Unix()}
	domain := trust.Domain{Region: "340000", Name: "测试向量"}
	root := trust.Root{Head: head, Domain: domain}
	for _, role := range trust.Roles() {
		key, _ := vectorKey(tb, string(role))
		root.Roles = append(root.Roles, trust.RoleKeys{Role: role, Threshold: 1, Points: []pki.Point{key.Public().Point()}})
	}
	sum := sign(trust.RoleRoot, root)
	d.pin = hex.EncodeToString(sum[:])

	const decades = 20 * 365 * 24 * 3600
	issuer := func(key *pki.Key, name string, state trust.IssuerState, kind, life uint64, categories []uint64, lists ...trust.IssuerList) trust.Issuer {
		return trust.Issuer{
			Point: key.Public().Point(), KID: key.Public().KID(), USCC: "11340000XN0000001", Name: name, Region: "340000",
			Categories: categories, Lists: lists, State: state, Kinds: []trust.KindLife{{Kind: kind, Seconds: life}},
		}
	}
	list := func(n uint64, until int64) trust.IssuerList {
		return trust.IssuerList{List: n, From: vectorTime.Add(-day).Unix(), Until: until}
	}
	service := func(key *pki.Key, name string, kind uint64) trust.Service {
		return trust.Service{Point: key.Public().Point(), KID: key.Public().KID(), Name: name, Kinds: []trust.KindLife{{Kind: kind, Seconds: decades}}}
	}
	former := service(d.former, "亮证服务", 3)
	former.From, former.Until = vectorTime.Add(-day).Unix(), vectorTime.Unix()
	logKey, _ := vectorKey(tb, "log")
	t := trust.Trust{
		Head: head, Domain: domain, Hosts: []string{"localhost"},
		Issuers: []trust.Issuer{
			issuer(d.issuer, "甲局", trust.IssuerActive, 1, decades, []uint64{4, 7, 12, 66, 100}, list(1, 0), list(9, 0)),
			issuer(d.compromised, "乙局", trust.IssuerCompromised, 1, decades, []uint64{4}, list(2, 0)),
			issuer(d.retired, "丙局", trust.IssuerRetired, 1, decades, []uint64{4}, list(3, vectorTime.Add(-time.Hour).Unix())),
			issuer(d.short, "丁局", trust.IssuerActive, 1, 3600, []uint64{4}, list(4, 0)),
			issuer(d.live, "戊局", trust.IssuerActive, 2, decades, []uint64{4, 7, 12, 66, 100}, list(5, 0), list(6, vectorTime.Add(-time.Hour).Unix())),
		},
		Services: []trust.Service{service(d.document, "文件核验码签名", 4), service(d.presenter, "亮证服务", 3), former},
		Devices:  []int64{int64(qr.DeviceP256), int64(qr.DeviceSM2)},
		Log:      trust.LogKey{Origin: "测试", Point: logKey.Public().Point()},
	}
	trustSum := sign(trust.RoleTrust, t)

	category := func(id, schema, fresh, limit, window uint64, kinds []uint64, zh string, fields ...trust.Field) trust.Category {
		return trust.Category{ID: id, Schema: schema, NameZH: zh, NameEN: "Category", Fields: fields, Fresh: fresh, Limit: limit, Window: window, Kinds: kinds}
	}
	field := func(code, kind string) trust.Field {
		return trust.Field{Code: code, NameZH: code, NameEN: code, Type: kind}
	}
	all := []uint64{1, 2, 3}
	catalogueSum := sign(trust.RoleCatalogue, trust.Catalogue{Head: head, Categories: []trust.Category{
		category(4, 1, 86400, 3*86400, 90, all, "机动车驾驶证", field("vehicleClass", "enum"), field("firstIssueDate", "date")),
		category(4, 2, 86400, 3*86400, 90, all, "机动车驾驶证"),
		category(12, 1, 3600, 7200, 30, all, "测试证", field("count", "integer"), field("note", "string")),
		category(66, 1, 86400, 3*86400, 90, []uint64{1}, "营业执照", field("type", "string")),
		category(100, 1, 86400, 3*86400, 90, []uint64{2, 3}, "只现场出示的证"),
	}})

	file := trust.Status{Head: head, Sequence: 2}
	putSet := func(from, to uint64, b []byte, err error) {
		if err != nil {
			tb.Fatal(err)
		}
		f := trust.SetFile{From: from, To: to, SM3: status.FileHash(b), Length: uint64(len(b))}
		put(trust.SetName(f.SM3), b)
		file.Files = append(file.Files, f)
	}
	before := &status.State{Sequence: 1}
	for n := uint32(1); n <= 6; n++ {
		s := &status.Set{List: n, High: 4096}
		if n == 1 || n == 5 {
			s.Revoked.Set(10)
		}
		if n == 1 {
			s.Suspended.Set(13)
		}
		if n == 5 {
			s.Suspended.Set(11)
		}
		if n == 3 { // a batch, so that it goes under zstd
			for i := uint32(1000); i < 3000; i++ {
				s.Revoked.Set(i)
			}
		}
		before.Sets = append(before.Sets, s)
	}
	snapshot, err := before.Snapshot()
	putSet(0, 1, snapshot, err)
	state := before.Share()
	state.Sequence = 2
	state.Own(1).Revoked.Set(12)
	state.Own(1).Suspended.Set(11)
	state.Own(1).Suspended.Set(12)
	state.Own(1).Suspended.Clear(13)
	changes, err := state.Since(before)
	if err != nil {
		tb.Fatal(err)
	}
	delta, err := state.Delta(changes, 1)
	putSet(1, 2, delta, err)
	for _, s := range state.Sets {
		file.Lists = append(file.Lists, trust.List{List: uint64(s.List), High: uint64(s.High), SetHash: s.Hash()})
	}
	statusSum := sign(trust.RoleStatus, file)
	sign(trust.RoleTime, trust.Time{
		Head: head, Trust: trust.Current{Version: 1, SM3: trustSum}, Catalogue: trust.Current{Version: 1, SM3: catalogueSum}, Status: trust.Current{Version: 1, SM3: statusSum},
	})
	return d
}

// credential is a good driving licence of the issuer, an hour old.
func (d *vectorDomain) credential() *qr.Credential {
	signedAt := vectorTime.Add(-time.Hour)
	first := civil.Of(signedAt)
	last := first + 365
	return &qr.Credential{
		SignedAt: signedAt, Expires: qr.PrintedExpiry(signedAt, &last),
		Summary: qr.Summary{
			Schema: 1, Category: 4, Number: "34************0012", Holder: "张样例", MaskedID: "34************0012",
			FirstDay: first, LastDay: &last, Status: 1<<32 | 77, Fields: []any{"C1", int64(14610)},
		},
	}
}

// digits encodes the bytes of a code.
func (r *rows) digits(kind qr.Kind, b []byte) string {
	r.tb.Helper()
	digits, err := qr.Encode(kind, b)
	if err != nil {
		r.tb.Fatal(err)
	}
	return digits
}

// licence is a good code with its credential changed.
func (r *rows) licence(change func(*qr.Credential)) string { return r.by(r.domain.issuer, change) }

// by is a licence signed by another key.
func (r *rows) by(key *pki.Key, change func(*qr.Credential)) string {
	r.tb.Helper()
	c := r.domain.credential()
	if change != nil {
		change(c)
	}
	b, err := c.Sign(key)
	if err != nil {
		r.tb.Fatal(err)
	}
	return r.digits(qr.KindLicence, b)
}

// textOf makes the check digits for a text's other digits.
func textOf(digits string) string {
	sum := sm3.Sum([]byte(digits))
	n := uint32(sum[0])<<24 | uint32(sum[1])<<16 | uint32(sum[2])<<8 | uint32(sum[3])
	tail := "0000" + strconv.FormatUint(uint64(n%100000), 10)
	return digits + tail[len(tail)-5:]
}
