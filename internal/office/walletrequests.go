package office

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/disclose"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/qr"
)

// Errors of a wallet's requests that callers decide on.
var (
	// ErrProof: there is no such licence or device, or the proof is not by its key.
	// Which of them is told to nobody.
	ErrProof = errors.New("no such licence or device, or the proof is not by the device's key")
	// ErrRequestTime: the request is of another time than now.
	ErrRequestTime = errors.New("the request's time is too far from the service's")
	// ErrDeviceKey: the key or its algorithm is none that can be bound.
	ErrDeviceKey = errors.New("not a device key that can be bound")
	// ErrProfiles: not one or more of the profiles of disclosure, each once.
	ErrProfiles = errors.New("not one or more of the profiles, each once")
)

// maxRequestAge is how far a request's time may be from the service's.
const maxRequestAge = 5 * time.Minute

// The first lines of what a device's key signs to ask for something. They are lines of
// text, and what it signs to present a licence is CBOR, so neither is ever the other.
const (
	bindObject    = "elicence/bind/1"
	renewObject   = "elicence/renew/1"
	presentObject = "elicence/choose/1"
	unbindObject  = "elicence/unbind/1"
)

func lines(all ...string) []byte { return []byte(strings.Join(all, "\n")) }

// BindRequest asks to bind a device to the licence that a binding code was made for.
type BindRequest struct {
	Code      licence.BindingCode
	Algorithm string             // [licence.AlgorithmSM2] or [licence.AlgorithmP256]
	Key       []byte             // compressed point
	Profiles  []disclose.Profile // that the device shall show without a network
	Proof     pki.Signature
}

// ToBeSigned returns what the device signs as its proof, for the host in printed codes.
func (q BindRequest) ToBeSigned(host string) []byte {
	names := make([]string, len(q.Profiles))
	for i, p := range q.Profiles {
		names[i] = string(p)
	}
	return lines(bindObject, host, q.Code.Digits(), q.Algorithm, base64.RawURLEncoding.EncodeToString(q.Key), strings.Join(names, ","))
}

// DeviceRequest is what a bound device asks for in its licence's name.
type DeviceRequest struct {
	Licence licence.Identifier
	Device  licence.DeviceID
	Time    int64 // UTC seconds, by the device's clock
	Proof   pki.Signature
}

func (q DeviceRequest) lines(object, host string, more ...string) []byte {
	all := []string{object, host, q.Licence.String(), q.Device.String(), strconv.FormatInt(q.Time, 10)}
	return lines(append(all, more...)...)
}

// RenewRequest asks for new credentials in the place of those that a device has.
type RenewRequest struct{ DeviceRequest }

// ToBeSigned returns what the device signs as its proof.
func (q RenewRequest) ToBeSigned(host string) []byte { return q.lines(renewObject, host) }

// PresentRequest asks for a code of kind 3.
type PresentRequest struct {
	DeviceRequest
	Fields []string // see [Holding.Choices]
}

// ToBeSigned returns what the device signs as its proof.
func (q PresentRequest) ToBeSigned(host string) []byte {
	return q.lines(presentObject, host, strings.Join(q.Fields, ","))
}

// UnbindRequest asks to end the device's binding.
type UnbindRequest struct{ DeviceRequest }

// ToBeSigned returns what the device signs as its proof.
func (q UnbindRequest) ToBeSigned(host string) []byte { return q.lines(unbindObject, host) }

// deviceAlgorithmOf maps the names of algorithms.
func deviceAlgorithmOf(name string) qr.DeviceAlgorithm {
	switch name {
	case licence.AlgorithmSM2:
		return qr.DeviceSM2
	case licence.AlgorithmP256:
		return qr.DeviceP256
	default:
		return 0
	}
}

// deviceOf is a device as the register keeps it.
func deviceOf(key *qr.DeviceKey, at time.Time) licence.Device {
	d := licence.Device{Algorithm: licence.AlgorithmSM2, Point: key.Point(), BoundAt: at}
	if key.Algorithm() == qr.DeviceP256 {
		d.Algorithm = licence.AlgorithmP256
	}
	return d
}

// byDevice is the actor of what a device does.
func byDevice(d licence.DeviceID) string { return "device " + d.String() }

// proven checks that a bound device asks, and asks now, before anything is said of the
// licence. What it signs is only ever its own request, so a refused proof accuses
// nobody: the device signs another one, and no second opinion is asked.
func (o *Office) proven(ctx context.Context, q DeviceRequest, message []byte) (licence.Record, licence.Device, error) {
	r, err := o.record(ctx, q.Licence)
	if errors.Is(err, licence.ErrNotFound) {
		return r, licence.Device{}, ErrProof
	}
	if err != nil {
		return r, licence.Device{}, err
	}
	d, err := o.store.Device(ctx, q.Licence, q.Device)
	if errors.Is(err, licence.ErrNoDevice) {
		return r, d, ErrProof
	}
	if err != nil {
		return r, d, err
	}
	key, err := qr.ParseDeviceKey(deviceAlgorithmOf(d.Algorithm), d.Point[:])
	if err != nil {
		return r, d, fmt.Errorf("bound device: %w", err)
	}
	if key.Judge(message, q.Proof, nil) != pki.Good {
		return r, d, ErrProof
	}
	if off := o.now().Sub(time.Unix(q.Time, 0)); off > maxRequestAge || off < -maxRequestAge {
		return r, d, ErrRequestTime
	}
	if !d.UnboundAt.IsZero() {
		return r, d, licence.ErrUnbound
	}
	return r, d, nil
}
