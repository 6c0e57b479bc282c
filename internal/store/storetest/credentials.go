package storetest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
)

var (
	boundAt = time.Unix(1700000200, 0).UTC()
	paper   licence.DeviceID
)

// newCredential makes a credential under an index of a list that is reserved for it.
func (s *suite) newCredential(list uint32, device licence.DeviceID, profile string) licence.NewCredential {
	s.tb.Helper()
	ref, err := s.store.ReserveIndex(ctx, list)
	s.check(err)
	s.seq++
	return licence.NewCredential{Credential: licence.Credential{
		Device: device, Profile: profile, Status: ref, Signed: fmt.Appendf(nil, "signed %d", s.seq), Point: s.key.Public().Point(),
		SignedAt: boundAt, Expires: boundAt.Add(time.Hour),
	}}
}

func (s *suite) put(id licence.Identifier, all ...licence.NewCredential) error {
	s.tb.Helper()
	return s.store.PutCredentials(ctx, id, all, s.entry(audit.ActLicenceCode, id.String()))
}

// device is a device with a key of its own.
func device(n byte) licence.Device {
	d := licence.Device{Algorithm: licence.AlgorithmP256, BoundAt: boundAt}
	d.Point[0], d.Point[1] = 2, n
	return d
}

// code draws a binding code for a licence and stores it.
func (s *suite) code(id licence.Identifier) licence.BindingCode {
	s.tb.Helper()
	for {
		c, err := licence.NewBindingCode()
		s.check(err)
		err = s.store.OpenBinding(ctx, licence.Binding{
			Code: c, Identifier: id, Until: boundAt.Add(licence.BindingLife), Audit: s.entry(audit.ActDeviceOffer, id.String()),
		})
		if errors.Is(err, licence.ErrBindingTaken) {
			continue
		}
		s.check(err)
		return c
	}
}

func (s *suite) try(c licence.BindingCode, d licence.Device, at time.Time) (licence.Identifier, error) {
	s.tb.Helper()
	return s.store.TryBinding(ctx, licence.BindingTry{Code: c, Device: d.ID(), At: at, Entry: func(id licence.Identifier) (audit.Record, error) {
		return s.entry(audit.ActDeviceTry, id.String()), nil
	}})
}

// bind binds a device with a code and one credential on a list.
func (s *suite) bind(id licence.Identifier, c licence.BindingCode, d licence.Device, list uint32) (licence.Credential, error) {
	s.tb.Helper()
	credential := s.newCredential(list, d.ID(), "full").Credential
	err := s.store.BindDevice(ctx, licence.NewDevice{
		Code: c, Identifier: id, Device: d, Credentials: []licence.Credential{credential}, Audit: s.entry(audit.ActDeviceBind, id.String()),
	})
	return credential, err
}

func (s *suite) bound(id licence.Identifier, d licence.Device, list uint32) licence.Credential {
	s.tb.Helper()
	credential, err := s.bind(id, s.code(id), d, list)
	s.check(err)
	return credential
}

// bits wants the planes of places in the status lists to be as they must be.
func (s *suite) bits(what string, revoked, suspended bool, refs ...licence.StatusRef) {
	s.tb.Helper()
	sets, err := s.store.StatusSets(ctx)
	s.check(err)
	for _, ref := range refs {
		found := false
		for _, set := range sets {
			if set.List != ref.List {
				continue
			}
			found = true
			if set.Revoked.Has(ref.Index) != revoked || set.Suspended.Has(ref.Index) != suspended || ref.Index >= set.High {
				s.tb.Errorf("%s: place %d of list %d is revoked %v, suspended %v below %d, want %v, %v", what, ref.Index, ref.List,
					set.Revoked.Has(ref.Index), set.Suspended.Has(ref.Index), set.High, revoked, suspended)
			}
		}
		if !found {
			s.tb.Errorf("%s: there is no list %d", what, ref.List)
		}
	}
}

// logSize is the number of entries of the log, which must be whole, without those aside.
func (s *suite) logSize() uint64 {
	s.tb.Helper()
	var size uint64
	s.check(s.store.ReadLog(ctx, func(log audit.Storage) error {
		var err error
		if size, err = log.Size(); err != nil {
			return err
		}
		_, err = audit.Verify(log)
		return err
	}))
	return size - s.aside.Load()
}

// allCredentials: a step of a licence sets the bits of all its credentials, on whatever
// list they are, and of nobody else's.
func (s *suite) allCredentials() {
	r, other := s.issue("K1"), s.issue("K2")
	id := r.Licence.Identifier
	own := s.newCredential(1, paper, "full")
	own.Status = r.Licence.Status
	masked := s.newCredential(2, paper, "masked")
	s.check(s.put(id, own, masked))
	first, second := s.bound(id, device(1), 1), s.bound(id, device(2), 3)
	strange := s.newCredential(2, paper, "masked")
	s.check(s.put(other.Licence.Identifier, strange))
	all := []licence.StatusRef{r.Licence.Status, masked.Status, first.Status, second.Status}
	step := func(step licence.Step, revoked, suspended bool) {
		s.tb.Helper()
		_, err := s.step(id, step)
		s.check(err)
		for _, when := range []string{"", ", after opening again"} {
			s.bits(string(step)+when, revoked, suspended, all...)
			s.bits(string(step)+" of another licence"+when, false, false, other.Licence.Status, strange.Status)
			s.reopen()
		}
	}
	s.bits("at first", false, false, all...)
	step(licence.Suspend, false, true)
	// What is given out meanwhile is suspended with the others.
	late := s.newCredential(3, paper, "minimal")
	s.check(s.put(id, late))
	all = append(all, late.Status)
	s.bits("meanwhile", false, true, all...)
	step(licence.Resume, false, false)
	// A device that is unbound is revoked, alone, and stays so.
	s.check(s.store.UnbindDevice(ctx, id, device(2).ID(), boundAt, s.entry(audit.ActDeviceUnbind, id.String())))
	all = []licence.StatusRef{r.Licence.Status, masked.Status, first.Status, late.Status}
	s.bits("unbound", true, false, second.Status)
	step(licence.Suspend, false, true)
	step(licence.Resume, false, false)
	s.bits("unbound, after a suspension", true, false, second.Status)
	step(licence.Suspend, false, true)
	step(licence.Revoke, true, false)
	if err := s.put(id, s.newCredential(1, paper, "other")); !errors.Is(err, licence.ErrStep) {
		s.tb.Errorf("a credential of a revoked licence: %v, want ErrStep", err)
	}
	if _, err := s.bind(id, s.code(id), device(3), 1); !errors.Is(err, licence.ErrStep) {
		s.tb.Errorf("a device of a revoked licence: %v, want ErrStep", err)
	}
}

func (s *suite) credentials() {
	r := s.issue("K1")
	id := r.Licence.Identifier
	own := s.newCredential(1, paper, "full")
	own.Status = r.Licence.Status
	s.check(s.put(id, own))
	want := func(what string, all ...licence.NewCredential) {
		s.tb.Helper()
		for range 2 {
			got, err := s.store.Credentials(ctx, id)
			s.check(err)
			if len(got) != len(all) {
				s.tb.Fatalf("%s: %d credentials, want %d", what, len(got), len(all))
			}
			for i, c := range all {
				if fmt.Sprint(got[i]) != fmt.Sprint(c.Credential) {
					s.tb.Errorf("%s: credential %d is %+v, want %+v", what, i, got[i], c.Credential)
				}
			}
			s.reopen()
		}
	}
	want("the first", own)
	size := s.logSize()
	again := own
	again.Signed = []byte("signed again")
	if err := s.put(id, again); !errors.Is(err, licence.ErrCredentialChanged) {
		s.tb.Errorf("a second first one: %v, want ErrCredentialChanged", err)
	}
	again.Replaces = again.Digest()
	if err := s.put(id, again); !errors.Is(err, licence.ErrCredentialChanged) {
		s.tb.Errorf("in the place of another than there is: %v, want ErrCredentialChanged", err)
	}
	again.Replaces = own.Digest()
	moved := again
	moved.Status = s.newCredential(1, paper, "full").Status
	gone := s.newCredential(1, paper, "gone")
	gone.Replaces = own.Digest()
	own2 := s.newCredential(1, paper, "own too")
	own2.Status = r.Licence.Status
	fine, taken := s.newCredential(2, paper, "fine"), s.newCredential(2, paper, "taken")
	taken.Status = fine.Status
	noDevice := s.newCredential(1, device(1).ID(), "full")
	for what, refused := range map[string][]licence.NewCredential{
		"one that moves":                         {moved},
		"one that replaces nothing":              {gone},
		"a second in the licence's own place":    {own2},
		"two in one place":                       {fine, taken},
		"one of a device that was never bound":   {fine, noDevice},
		"one without a profile":                  {s.newCredential(1, paper, "")},
		"one in the place of another licence's":  {{Credential: licence.Credential{Profile: "x", Status: s.issue("K2").Licence.Status}}},
		"a good one before one that is not good": {again, moved},
	} {
		if err := s.put(id, refused...); err == nil {
			s.tb.Errorf("%s is accepted", what)
		}
	}
	want("after what was refused", own)
	if got := s.logSize(); got != size+1 { // the second licence
		s.tb.Errorf("the log has grown by %d entries by what was refused", got-size-1)
	}
	masked := s.newCredential(2, paper, "masked")
	s.check(s.put(id, again, masked))
	again.Replaces, masked.Replaces = [32]byte{}, [32]byte{}
	want("after it was signed again", again, masked)
	id.Serial.Random[0] ^= 1
	if _, err := s.store.Credentials(ctx, id); !errors.Is(err, licence.ErrNotFound) {
		s.tb.Errorf("credentials of no licence: %v, want ErrNotFound", err)
	}
	if err := s.put(id, masked); !errors.Is(err, licence.ErrNotFound) {
		s.tb.Errorf("a credential of no licence: %v, want ErrNotFound", err)
	}
}

// credentialsAtOnce: of many who give out the same credential one does, and a step that
// comes between leaves no credential behind.
func (s *suite) credentialsAtOnce() {
	r := s.issue("K1")
	id := r.Licence.Identifier
	const callers = 8
	same, own := make([]licence.NewCredential, callers), make([]licence.NewCredential, callers)
	for i := range callers {
		same[i] = s.newCredential(1, paper, "masked")
		own[i] = s.newCredential(2, paper, fmt.Sprintf("p%d", i))
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range callers {
		wait.Go(func() {
			err := s.put(id, same[i])
			switch {
			case err == nil:
				mu.Lock()
				won++
				mu.Unlock()
			case !errors.Is(err, licence.ErrCredentialChanged):
				s.tb.Errorf("caller %d: %v", i, err)
			}
			if err := s.put(id, own[i]); err != nil {
				s.tb.Errorf("caller %d: %v", i, err)
			}
		})
	}
	wait.Go(func() {
		if _, err := s.step(id, licence.Suspend); err != nil {
			s.tb.Error(err)
		}
	})
	wait.Wait()
	s.reopen()
	if won != 1 {
		s.tb.Errorf("%d of %d callers gave out the same credential", won, callers)
	}
	all, err := s.store.Credentials(ctx, id)
	s.check(err)
	if len(all) != callers+1 {
		s.tb.Errorf("%d credentials, want %d", len(all), callers+1)
	}
	for _, c := range all {
		s.bits("credential "+c.Profile+" of a suspended licence", false, true, c.Status)
	}
}

func (s *suite) bindings() {
	id := s.issue("B1").Licence.Identifier
	phone, stranger := device(1), device(2)
	wrong := func(c licence.BindingCode) licence.BindingCode {
		s.tb.Helper()
		for {
			w, err := licence.NewBindingCode()
			s.check(err)
			if w, err = licence.ParseBindingCode(c.Handle() + w.Digits()[len(c.Handle()):]); err == nil && w != c {
				return w
			}
		}
	}
	refused := func(what string, c licence.BindingCode, d licence.Device, at time.Time) {
		s.tb.Helper()
		if _, err := s.try(c, d, at); !errors.Is(err, licence.ErrBinding) {
			s.tb.Errorf("%s: %v, want ErrBinding", what, err)
		}
	}
	// Counted before it is answered, over restarts.
	c := s.code(id)
	size := s.logSize()
	for i := range licence.BindingTries {
		refused("a wrong code", wrong(c), phone, boundAt)
		s.reopen()
		if got := s.logSize(); got != size+uint64(i)+1 {
			s.tb.Errorf("%d log entries for %d tries", got-size, i+1)
		}
	}
	refused("the right one after too many tries", c, phone, boundAt)
	none, err := licence.NewBindingCode()
	s.check(err)
	if none.Handle() != c.Handle() {
		refused("a code that was never given out", none, phone, boundAt)
	}
	if got := s.logSize(); got != size+licence.BindingTries {
		s.tb.Errorf("a code that is used up or none adds %d log entries", got-size-licence.BindingTries)
	}

	c = s.code(id)
	refused("a code after its time", c, phone, boundAt.Add(licence.BindingLife))
	refused("a wrong code", wrong(c), phone, boundAt)
	got, err := s.try(c, phone, boundAt.Add(licence.BindingLife-time.Second))
	s.check(err)
	if got != id {
		s.tb.Errorf("the code is for %s, want %s", got, id)
	}
	if _, err := s.bind(id, wrong(c), phone, 1); !errors.Is(err, licence.ErrBinding) {
		s.tb.Errorf("binding with a wrong code: %v, want ErrBinding", err)
	}
	first, err := s.bind(id, c, phone, 1)
	s.check(err)
	s.reopen()
	// The same device may ask again, as often as it likes; another one may not.
	size = s.logSize()
	for range licence.BindingTries + 1 {
		_, err = s.try(c, phone, boundAt)
		s.check(err)
	}
	if _, err := s.bind(id, c, phone, 1); err != nil {
		s.tb.Errorf("binding the same device again: %v", err)
	}
	refused("the code of another device", c, stranger, boundAt)
	if _, err := s.bind(id, c, stranger, 1); !errors.Is(err, licence.ErrBinding) {
		s.tb.Errorf("binding another device: %v, want ErrBinding", err)
	}
	if grown := s.logSize() - size; grown != 0 {
		s.tb.Errorf("%d log entries for nothing that happened", grown)
	}
	all, err := s.store.Credentials(ctx, id)
	s.check(err)
	if len(all) != 1 || all[0].Status != first.Status {
		s.tb.Errorf("the credentials are %v, want the first one alone", all)
	}
	// A code is good for its own licence.
	other := s.issue("B2").Licence.Identifier
	if _, err := s.bind(other, s.code(id), stranger, 1); !errors.Is(err, licence.ErrBinding) {
		s.tb.Errorf("a code of another licence: %v, want ErrBinding", err)
	}
	err = s.store.OpenBinding(ctx, licence.Binding{Code: c, Identifier: other, Until: boundAt.Add(licence.BindingLife), Audit: s.entry(audit.ActDeviceOffer, "")})
	if !errors.Is(err, licence.ErrBindingTaken) {
		s.tb.Errorf("a code that is still good is given out again: %v, want ErrBindingTaken", err)
	}
	s.check(s.store.OpenBinding(ctx, licence.Binding{Code: c, Identifier: other, Until: boundAt.Add(2 * licence.BindingLife), Audit: s.entry(audit.ActDeviceOffer, "")}))
}

func (s *suite) devices() {
	id := s.issue("D1").Licence.Identifier
	for i := range licence.MaxDevices {
		s.bound(id, device(byte(i)), 1)
	}
	_, err := s.bind(id, s.code(id), device(100), 1)
	if !errors.Is(err, licence.ErrTooManyDevices) {
		s.tb.Errorf("one device more: %v, want ErrTooManyDevices", err)
	}
	// A device that is bound needs no second credential.
	if _, err := s.bind(id, s.code(id), device(1), 1); err != nil {
		s.tb.Errorf("a bound device with a new code: %v", err)
	}
	all, err := s.store.Devices(ctx, id)
	s.check(err)
	credentials, err := s.store.Credentials(ctx, id)
	s.check(err)
	if len(all) != licence.MaxDevices || len(credentials) != licence.MaxDevices {
		s.tb.Errorf("%d devices with %d credentials, want %d", len(all), len(credentials), licence.MaxDevices)
	}
	d := device(1)
	use := func(what string, seconds int64, want error) {
		s.tb.Helper()
		err := s.store.UseDevice(ctx, id, d.ID(), seconds, s.entry(audit.ActDevicePresent, id.String()))
		if !errors.Is(err, want) {
			s.tb.Errorf("%s: %v, want %v", what, err, want)
		}
		s.reopen()
	}
	use("the first use", 1700000300, nil)
	use("the same time again", 1700000300, licence.ErrDeviceTime)
	use("an earlier time", 1700000299, licence.ErrDeviceTime)
	use("a later time", 1700000301, nil)
	got, err := s.store.Device(ctx, id, d.ID())
	s.check(err)
	if got.LastUse != 1700000301 || got.Point != d.Point || !got.BoundAt.Equal(boundAt) || !got.UnboundAt.IsZero() {
		s.tb.Errorf("the device is %+v", got)
	}
	unbind := func() error {
		return s.store.UnbindDevice(ctx, id, d.ID(), boundAt, s.entry(audit.ActDeviceUnbind, id.String()))
	}
	s.check(unbind())
	if err := unbind(); !errors.Is(err, licence.ErrUnbound) {
		s.tb.Errorf("unbinding again: %v, want ErrUnbound", err)
	}
	use("an unbound device", 1700000302, licence.ErrUnbound)
	if _, err := s.bind(id, s.code(id), d, 1); !errors.Is(err, licence.ErrUnbound) {
		s.tb.Errorf("an unbound device binds again: %v, want ErrUnbound", err)
	}
	if err := s.put(id, s.newCredential(1, d.ID(), "other")); !errors.Is(err, licence.ErrUnbound) {
		s.tb.Errorf("a credential of an unbound device: %v, want ErrUnbound", err)
	}
	s.bound(id, device(100), 1) // there is room again
	d = device(200)
	use("a device that was never bound", 1700000300, licence.ErrNoDevice)
	if err := unbind(); !errors.Is(err, licence.ErrNoDevice) {
		s.tb.Errorf("unbinding what was never bound: %v, want ErrNoDevice", err)
	}
	for what, d := range map[string]licence.Device{"another algorithm": {Algorithm: "rsa", BoundAt: boundAt}, "no point": {Algorithm: licence.AlgorithmSM2, BoundAt: boundAt}} {
		if _, err := s.bind(id, s.code(id), d, 1); err == nil {
			s.tb.Errorf("a device with %s is bound", what)
		}
	}
}
