// Package trusttest makes small domains of trust files for tests: one issuing
// authority, two services, two categories, one status list, and holders' devices.
package trusttest

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/status"
	"github.com/elicence/elicence/qr/trust"
)

// Domain is a domain whose parts a test may change before it calls Files.
type Domain struct {
	Keys      map[trust.Role]*pki.Key
	IssuerKey *pki.Key
	CodeKey   *pki.Key    // signs document codes
	ShownKey  *pki.Key    // signs codes of kind 3
	Set       *status.Set // list 1

	Root      trust.Root
	Trust     trust.Trust
	Catalogue trust.Catalogue
	Status    trust.Status
	Time      trust.Time

	// Sets are further set files, by name.
	Sets map[string][]byte

	signedRoot     []byte // kept while Root stays as it was
	signedRootFrom trust.Root
}

// Window is the issuing window of the domain's list, in seconds before its time.
const Window = 24 * 60 * 60

// New returns a domain whose files are issued at a time.
func New(tb testing.TB, now time.Time) *Domain {
	tb.Helper()
	d := &Domain{
		Keys: make(map[trust.Role]*pki.Key), IssuerKey: pkitest.NewKey(tb), CodeKey: pkitest.NewKey(tb), ShownKey: pkitest.NewKey(tb),
		Set: &status.Set{List: 1, High: 4096}, Sets: make(map[string][]byte),
	}
	head := trust.Head{Version: 1, Issued: now.Unix(), Expires: now.AddDate(0, 2, 0).Unix()}
	name := trust.Domain{Region: "340000", Name: "安徽省(测试)"}
	d.Root = trust.Root{Head: head, Domain: name}
	for _, role := range trust.Roles() {
		d.Keys[role] = pkitest.NewKey(tb)
		d.Root.Roles = append(d.Root.Roles, trust.RoleKeys{Role: role, Threshold: 1, Points: []pki.Point{d.Keys[role].Public().Point()}})
	}
	p := pkitest.New(tb, now)
	seals, persons := p.CA.Certificate().DER, p.Authority(tb, "自然人").Certificate().DER
	maker := pkitest.NewKey(tb)
	pkitest.Certify(tb, p.CA, ca.ProfileSealMaker, "印章制作系统", maker)
	d.Trust = trust.Trust{
		Head: head, Domain: name, Hosts: []string{"localhost"},
		Issuers: []trust.Issuer{{
			Point: d.IssuerKey.Public().Point(), KID: d.IssuerKey.Public().KID(), USCC: "11340000XN0000001", Name: "测试局", Region: "340000",
			Categories: []uint64{4, 66}, Lists: []trust.IssuerList{{List: 1, From: now.Unix() - Window}}, State: trust.IssuerActive,
			Kinds: []trust.KindLife{{Kind: 1, Seconds: uint64(qr.MaxPrintedLife / time.Second)}, {Kind: 2, Seconds: uint64(qr.MaxDeviceLife / time.Second)}},
		}},
		Devices: []int64{int64(qr.DeviceP256), int64(qr.DeviceSM2)},
		Services: []trust.Service{{
			Point: d.CodeKey.Public().Point(), KID: d.CodeKey.Public().KID(), Name: "文件核验码签名",
			Kinds: []trust.KindLife{{Kind: 4, Seconds: uint64(qr.MaxPrintedLife / time.Second)}},
		}, {
			Point: d.ShownKey.Public().Point(), KID: d.ShownKey.Public().KID(), Name: "亮证服务",
			Kinds: []trust.KindLife{{Kind: 3, Seconds: uint64(qr.MaxShownLife / time.Second)}},
		}},
		Documents: trust.Documents{
			Roots: [][]byte{p.Root.Certificate().DER}, Seals: [][]byte{seals}, Persons: [][]byte{persons}, Makers: []pki.Point{maker.Public().Point()},
		},
		Log: trust.LogKey{Origin: "测试", Point: pkitest.NewKey(tb).Public().Point()},
	}
	category := func(id uint64, zh, en string, fields ...trust.Field) trust.Category {
		return trust.Category{ID: id, Schema: 1, NameZH: zh, NameEN: en, Fields: fields, Fresh: 24 * 3600, Limit: 72 * 3600, Window: 90, Kinds: []uint64{1, 2, 3}}
	}
	d.Catalogue = trust.Catalogue{Head: head, Categories: []trust.Category{
		category(4, "机动车驾驶证", "Motor Vehicle Driving Licence",
			trust.Field{Code: "vehicleClass", NameZH: "准驾车型", NameEN: "Class", Type: "enum", Enum: []string{"A1", "C1"}},
			trust.Field{Code: "firstIssueDate", NameZH: "初次领证日期", NameEN: "First issue date", Type: "date"}),
		category(66, "营业执照", "Business Licence", trust.Field{Code: "type", NameZH: "类型", NameEN: "Type", Type: "string"}),
	}}
	d.Status = trust.Status{Head: head}
	d.Time = trust.Time{Head: head}
	return d
}

// Sign signs a file of a role with the domain's key.
func (d *Domain) Sign(tb testing.TB, role trust.Role, file any) []byte {
	tb.Helper()
	signed, err := trust.Sign(role, file, second.Opinion{}, d.Keys[role])
	if err != nil {
		tb.Fatal(err)
	}
	return signed
}

// Files signs everything as it stands and returns the cache folder. Without lists
// of its own the status file describes Set by a snapshot.
func (d *Domain) Files(tb testing.TB) fstest.MapFS {
	tb.Helper()
	files := make(fstest.MapFS)
	put := func(name string, b []byte) { files[name] = &fstest.MapFile{Data: b} }
	if d.Status.Lists == nil {
		d.Describe(tb, &status.State{Sequence: 1, Sets: []*status.Set{d.Set}})
	}
	for name, b := range d.Sets {
		put(name, bytes.Clone(b))
	}
	if d.signedRoot == nil || !reflect.DeepEqual(d.signedRootFrom, d.Root) {
		d.signedRoot, d.signedRootFrom = d.Sign(tb, trust.RoleRoot, d.Root), d.Root
	}
	put(strconv.FormatUint(d.Root.Version, 10)+".root", bytes.Clone(d.signedRoot))
	for _, f := range []struct {
		role    trust.Role
		file    any
		version uint64
		into    *trust.Current
	}{
		{trust.RoleTrust, d.Trust, d.Trust.Version, &d.Time.Trust},
		{trust.RoleCatalogue, d.Catalogue, d.Catalogue.Version, &d.Time.Catalogue},
		{trust.RoleStatus, d.Status, d.Status.Version, &d.Time.Status},
	} {
		signed := d.Sign(tb, f.role, f.file)
		put(string(f.role), signed)
		*f.into = trust.Current{Version: f.version, SM3: sm3.Sum(signed)}
	}
	put("time", d.Sign(tb, trust.RoleTime, d.Time))
	return files
}

// Describe lets the status file name a state and its snapshot.
func (d *Domain) Describe(tb testing.TB, state *status.State) {
	tb.Helper()
	file, err := state.Snapshot()
	if err != nil {
		tb.Fatal(err)
	}
	d.Status.Sequence, d.Status.Lists = state.Sequence, nil
	for _, s := range state.Sets {
		d.Status.Lists = append(d.Status.Lists, trust.List{List: uint64(s.List), High: uint64(s.High), SetHash: s.Hash()})
	}
	d.Status.Files = []trust.SetFile{d.AddSet(0, state.Sequence, file)}
}

// Fill lets the status file describe that many full lists, from 1 on, with a percent of
// the indices revoked and a permille suspended, strewn at random but always the same. The
// licence of [Domain.Credential] is neither. It returns the state.
func (d *Domain) Fill(tb testing.TB, lists uint32) *status.State {
	tb.Helper()
	random := rand.New(rand.NewPCG(130, 1e6))
	state := &status.State{Sequence: 1}
	for list := uint32(1); list <= lists; list++ {
		set := &status.Set{List: list, High: status.ListSize}
		for range status.ListSize / 100 {
			set.Revoked.Set(random.Uint32N(status.ListSize))
		}
		for range status.ListSize / 1000 {
			set.Suspended.Set(random.Uint32N(status.ListSize))
		}
		state.Sets = append(state.Sets, set)
	}
	state.Sets[0].Revoked.Clear(credentialIndex)
	state.Sets[0].Suspended.Clear(credentialIndex)
	d.Describe(tb, state)
	return state
}

// AddSet adds a set file to the cache and describes it.
func (d *Domain) AddSet(from, to uint64, file []byte) trust.SetFile {
	f := trust.SetFile{From: from, To: to, SM3: status.FileHash(file), Length: uint64(len(file))}
	d.Sets[trust.SetName(f.SM3)] = file
	return f
}

// credentialIndex is where the licence of [Domain.Credential] stands in list 1.
const credentialIndex = 77

// Credential returns a valid driving licence's credential signed at a time.
func (d *Domain) Credential(signedAt time.Time) *qr.Credential {
	first := civil.Of(signedAt)
	last := first + 365
	return &qr.Credential{
		SignedAt: signedAt, Expires: qr.PrintedExpiry(signedAt, &last),
		Summary: qr.Summary{
			Schema: 1, Category: 4, Number: "34************0012", Holder: "张样例", MaskedID: "34************0012",
			FirstDay: first, LastDay: &last, Status: 1<<32 | credentialIndex, Fields: []any{"C1", int64(14610)},
		},
	}
}

// Code signs a credential with a key and returns its digits.
func Code(tb testing.TB, c *qr.Credential, key *pki.Key) string {
	tb.Helper()
	b, err := c.Sign(key)
	if err != nil {
		tb.Fatal(err)
	}
	return digits(tb, qr.KindLicence, b)
}
