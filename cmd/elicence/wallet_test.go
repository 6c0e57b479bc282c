package main_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/qr"
)

// TestWallet has the real programs go through a citizen's day: an officer makes a
// binding code while the service runs, a phone binds itself, shows the licence in a hall
// whose terminal has no network, and is suspended and unbound like any other copy.
func TestWallet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, trust := filepath.Join(dir, "data"), filepath.Join(dir, "trust")
	elicence := func(args ...string) string { return yes(t, "elicence", append(args, "--data", data)...) }
	write(t, filepath.Join(dir, "pass"), "x\n")
	write(t, filepath.Join(dir, "mark.json"), `{"number": "皖A00000", "holder": {"name": "张样例", "id_type": "111", "id_number": "340199190001010012"}, "issue_date": "2026-01-05",
		"fields": {"plateNumber": "皖A00000", "vehicleType": "小型轿车", "vin": "LTEST000000000001", "inspectionDate": "2024-01-15",
		"inspectionValidUntil": "2099-01-31", "inspectionAgency": "合肥测试样例机动车检测有限公司", "insuranceValidUntil": "2099-01-14"}}`)
	elicence("init", "--root-passphrase-file", filepath.Join(dir, "pass"))
	elicence("authority", "add", "--uscc", "11340100XN0000012K", "--name", "合肥市样例局", "--region", "340100", "--level", "city", "--category", "007")
	var issued struct{ ID string }
	decode(t, elicence("licence", "issue", "--category", "007", "--file", filepath.Join(dir, "mark.json"), "--json"), &issued)

	s := serve(t, data)
	phones := make(map[string]phone)
	for name, algorithm := range map[string]qr.DeviceAlgorithm{"p256": qr.DeviceP256, "sm2": qr.DeviceSM2} {
		var offered struct{ Code string }
		decode(t, elicence("licence", "bind", issued.ID, "--json"), &offered)
		phones[name] = bindPhone(t, s, trusttest.NewDevice(t, algorithm), name, offered.Code)
	}
	var devices []struct{ ID, Algorithm, State string }
	decode(t, elicence("licence", "devices", issued.ID, "--json"), &devices)
	if len(devices) != 2 || devices[0].State != "bound" {
		t.Errorf("the devices are %+v, want two that are bound", devices)
	}
	if out, errs, code := command(t, nil, "elicence", "licence", "unbind", issued.ID, "0123456789abcdef", "--data", data); code != 2 || !strings.Contains(errs, "no such device") {
		t.Errorf("unbinding a stranger at the running service: %d %s%s", code, out, errs)
	}
	s.end(t)
	if strings.Contains(s.log.String(), issued.ID) || strings.Contains(s.log.String(), "张样例") {
		t.Error("the service's log names the licence")
	}

	at := time.Now()
	scan := func(what string, p phone, want string) {
		t.Helper()
		at = at.Add(time.Second) // a device presents once in a second
		out, errs, code := command(t, strings.NewReader(p.Present(t, p.credential, at, nil)), "hallscan", "--trust", trust, "--json", "--state", filepath.Join(dir, "state"))
		var answer struct {
			Verdict, Cause string
			Kind           int
		}
		decode(t, out, &answer)
		if answer.Verdict != want || answer.Kind != 2 || (code == 0) != (want == "valid") {
			t.Errorf("%s: %s (%s), exit %d, want %s\n%s", what, answer.Verdict, answer.Cause, code, want, errs)
		}
	}
	both := func(what, want string) {
		t.Helper()
		elicence("trust", "export", "--out", trust)
		for name, p := range phones {
			scan(name+" "+what, p, want)
		}
	}
	both("bound", "valid")
	elicence("licence", "suspend", issued.ID, "--reason", "测试")
	both("suspended", "suspended")
	elicence("licence", "resume", issued.ID, "--reason", "测试")
	both("resumed", "valid")
	elicence("licence", "unbind", issued.ID, phones["sm2"].name, "--dry-run")
	both("unbound in a dry run", "valid")
	elicence("licence", "unbind", issued.ID, phones["sm2"].name)
	elicence("trust", "export", "--out", trust)
	scan("the unbound one", phones["sm2"], "revoked")
	scan("the other one", phones["p256"], "valid")
	_, real, code := command(t, nil, "elicence", "licence", "unbind", issued.ID, phones["sm2"].name, "--data", data)
	_, dry, dryCode := command(t, nil, "elicence", "licence", "unbind", issued.ID, phones["sm2"].name, "--data", data, "--dry-run")
	if code != 1 || dryCode != 1 || real != dry {
		t.Errorf("unbinding again exits with %d %s, in a dry run with %d %s, want 1 in the same words", code, real, dryCode, dry)
	}
	// What a killed service has left of the desk is in nobody's way.
	write(t, filepath.Join(data, "desk.sock"), "")
	elicence("licence", "devices", issued.ID)
	if err := os.Remove(filepath.Join(data, "desk.sock")); err != nil {
		t.Error(err)
	}
	elicence("audit", "verify")
}

// phone is a bound device in software.
type phone struct {
	*trusttest.Device
	name       string
	credential []byte
}

// bindPhone binds a device at a running service, by docs/wallet-api.md.
func bindPhone(t *testing.T, s *service, d *trusttest.Device, algorithm, code string) phone {
	t.Helper()
	point := d.Key.Point()
	key := base64.RawURLEncoding.EncodeToString(point[:])
	proof := d.Key.Normal(d.Sign([]byte(strings.Join([]string{"elicence/bind/1", "localhost", code, algorithm, key, "full"}, "\n"))))
	body := fmt.Sprintf(`{"code":%q,"algorithm":%q,"device_key":%q,"profiles":["full"],"proof":%q}`, code, algorithm, key, base64.RawURLEncoding.EncodeToString(proof[:]))
	a := ask(t, http.MethodPost, s.base+"/v1/wallet/bindings", "application/json", strings.NewReader(body))
	if a.status != http.StatusOK {
		t.Fatalf("binding: %d %s", a.status, a.body)
	}
	var held struct {
		Device      string
		Credentials []struct{ Credential string }
	}
	decode(t, a.body, &held)
	credential, err := base64.RawURLEncoding.DecodeString(held.Credentials[0].Credential)
	if err != nil {
		t.Fatal(err)
	}
	return phone{d, held.Device, credential}
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
}
