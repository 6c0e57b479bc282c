package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
)

// DeskSocket is the name of the desk's socket within a data folder.
const DeskSocket = "desk.sock"

// Desk is what an officer at a counter does with licences and their devices. Nobody else
// can open a data folder while the service runs on it, and a binding code is of use only
// while it does: the service therefore listens for the same acts on a Unix socket in the
// data folder ([Server.Run]). It asks for no password: who can open the socket can open
// the folder with all its keys.
type Desk struct {
	office *office.Office
	view   func(licence.Record) any // how a licence is answered
}

// NewDesk returns the desk of an open data folder.
func NewDesk(o *office.Office) Desk { return Desk{office: o, view: viewBriefly} }

// viewing is the desk with another way to answer with a licence; nil: the same.
func (d Desk) viewing(view func(licence.Record) any) Desk {
	if view != nil {
		d.view = view
	}
	return d
}

// viewBriefly is what a desk says of a licence to whom nobody has said how.
func viewBriefly(r licence.Record) any {
	return map[string]any{"id": r.Licence.Identifier.String(), "state": r.State.String(), "revision": r.Revision}
}

// DeskBinding is a binding code as it is printed for the holder.
type DeskBinding struct {
	ID      string `json:"id"` // of the licence
	Code    string `json:"code"`
	Address string `json:"address"` // what its picture holds
	Until   string `json:"until"`
	Tries   int    `json:"tries"`
}

// DeskDevice is a device of a licence.
type DeskDevice struct {
	ID        string   `json:"id"`
	Algorithm string   `json:"algorithm"`
	State     string   `json:"state"` // bound or unbound
	Bound     string   `json:"bound"`
	Unbound   *string  `json:"unbound"`
	Profiles  []string `json:"profiles"`
	Renewed   string   `json:"renewed"`
	Expires   string   `json:"expires"` // of the credentials
}

// Bind makes a binding code for the holder of a licence, whom the officer has
// identified.
func (d Desk) Bind(ctx context.Context, actor string, id licence.Identifier) (DeskBinding, error) {
	r, err := d.office.Licence(ctx, actor, id)
	if err != nil {
		return DeskBinding{}, err
	}
	b, err := d.office.OfferBinding(ctx, actor, r)
	if err != nil {
		return DeskBinding{}, err
	}
	return DeskBinding{id.String(), b.Code.Digits(), b.Address, b.Until.Format(time.RFC3339), licence.BindingTries}, nil
}

// Devices lists all that were ever bound to a licence, the oldest first.
func (d Desk) Devices(ctx context.Context, actor string, id licence.Identifier) ([]DeskDevice, error) {
	r, err := d.office.Licence(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	states, err := d.office.Devices(ctx, r)
	if err != nil {
		return nil, err
	}
	all := make([]DeskDevice, len(states))
	for i, s := range states {
		v := DeskDevice{ID: s.ID().String(), Algorithm: s.Algorithm, State: "bound", Bound: s.BoundAt.Format(time.RFC3339), Profiles: []string{}}
		if !s.UnboundAt.IsZero() {
			at := s.UnboundAt.Format(time.RFC3339)
			v.State, v.Unbound = "unbound", &at
		}
		for _, c := range s.Credentials {
			v.Profiles = append(v.Profiles, c.Profile)
			v.Renewed, v.Expires = c.SignedAt.Format(time.RFC3339), c.Expires.Format(time.RFC3339)
		}
		all[i] = v
	}
	return all, nil
}

// Unbind ends a device's binding for good.
func (d Desk) Unbind(ctx context.Context, actor string, id licence.Identifier, device licence.DeviceID) error {
	if _, err := d.office.Licence(ctx, actor, id); err != nil {
		return err
	}
	return d.office.UnbindDevice(ctx, actor, id, device)
}

// Take takes a step in a licence's life.
func (d Desk) Take(ctx context.Context, actor string, id licence.Identifier, q office.StepRequest) (licence.Record, error) {
	return d.office.Take(ctx, actor, id, q)
}

// deskRequest is what a command sends to the desk of a running service.
type deskRequest struct {
	Actor   string    `json:"actor"`
	Licence string    `json:"licence"`
	Device  string    `json:"device,omitempty"`
	Step    *deskStep `json:"step,omitempty"`
}

// deskStep is an [office.StepRequest].
type deskStep struct {
	Step       licence.Step `json:"step"`
	Cause      string       `json:"cause"`
	Reason     string       `json:"reason"`
	IfRevision uint64       `json:"if_revision"`
	DryRun     bool         `json:"dry_run"`
}

// request reads a step.
func (q *deskStep) request() (office.StepRequest, error) {
	if q == nil {
		return office.StepRequest{}, errors.New("the step is missing")
	}
	cause, err := licence.ParseCause(q.Cause, q.Step)
	return office.StepRequest{Step: q.Step, Cause: cause, Reason: q.Reason, IfRevision: q.IfRevision, DryRun: q.DryRun}, err
}

// deskRefusal is its answer where there is none, with the name of an error that the
// command decides on.
type deskRefusal struct {
	Error string `json:"error"`
	Is    string `json:"is,omitempty"`
}

// deskErrors are the errors that travel by name.
var deskErrors = map[string]error{
	"step": licence.ErrStep, "not-in-force": office.ErrNotInForce, "not-found": licence.ErrNotFound, "no-device": licence.ErrNoDevice,
	"changed": licence.ErrChanged, "cause": licence.ErrCause, "unbound": licence.ErrUnbound, "bad-identifier": licence.ErrBadIdentifier, "bad-device": licence.ErrBadDeviceID,
}

// handler answers commands.
func (d Desk) handler() http.Handler {
	mux := http.NewServeMux()
	handle := func(path string, do func(ctx context.Context, id licence.Identifier, q deskRequest) (any, error)) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			var q deskRequest
			var answer any
			err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxWalletBody)).Decode(&q)
			if err == nil {
				var id licence.Identifier
				if id, err = licence.ParseIdentifier(q.Licence); err == nil {
					answer, err = do(r.Context(), id, q)
				}
			}
			w.Header().Set("Content-Type", "application/json")
			if err != nil {
				w.WriteHeader(http.StatusConflict)
				answer = refusal(err)
			}
			_ = json.NewEncoder(w).Encode(answer) // the command may have gone away
		})
	}
	handle("/bind", func(ctx context.Context, id licence.Identifier, q deskRequest) (any, error) {
		return d.Bind(ctx, q.Actor, id)
	})
	handle("/devices", func(ctx context.Context, id licence.Identifier, q deskRequest) (any, error) {
		return d.Devices(ctx, q.Actor, id)
	})
	handle("/unbind", func(ctx context.Context, id licence.Identifier, q deskRequest) (any, error) {
		name, err := licence.ParseDeviceID(q.Device)
		if err != nil {
			return nil, err
		}
		return struct{}{}, d.Unbind(ctx, q.Actor, id, name)
	})
	handle("/step", func(ctx context.Context, id licence.Identifier, q deskRequest) (any, error) {
		step, err := q.Step.request()
		if err != nil {
			return nil, err
		}
		r, err := d.Take(ctx, q.Actor, id, step)
		if err != nil {
			return nil, err
		}
		return d.view(r), nil
	})
	mux.HandleFunc("POST /backup", d.backup)
	return mux
}

// backup sends the content of a backup. Whether it is whole shows at its end: an answer
// that has begun cannot become an error.
func (d Desk) backup(w http.ResponseWriter, r *http.Request) {
	var q deskRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxWalletBody)).Decode(&q); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	// The request was read; the server's limit for that would end the answer as well.
	controller := http.NewResponseController(w)
	_ = controller.SetReadDeadline(time.Time{}) // at worst the answer is cut off, and seen to be
	_, err := d.office.Backup(r.Context(), q.Actor, patient{w, controller})
	if err != nil {
		panic(http.ErrAbortHandler) // the command sees that the end is missing
	}
}

// patient is an answer that may take as long as it goes on.
type patient struct {
	w          io.Writer
	controller *http.ResponseController
}

// Write implements [io.Writer].
func (p patient) Write(b []byte) (int, error) {
	if err := p.controller.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return p.w.Write(b)
}

func refusal(err error) deskRefusal {
	for name, is := range deskErrors {
		if errors.Is(err, is) {
			return deskRefusal{err.Error(), name}
		}
	}
	return deskRefusal{Error: err.Error()}
}

// listenAtDesk opens the desk's socket. One that a killed service has left is taken out
// of the way: whoever comes here has the store to itself.
func listenAtDesk(ctx context.Context, path string) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == fs.ModeSocket {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("desk: %w", err)
		}
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("desk: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("desk: %w", err), l.Close())
	}
	return l, nil
}
