package tsa

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// ErrMalformed: not a time-stamp response or token in DER.
var ErrMalformed = errors.New("malformed time stamp")

// Status says how a request went: PKIStatus (RFC 3161, 2.4.2).
type Status int

// The values of PKIStatus.
const (
	Granted                Status = 0
	GrantedWithMods        Status = 1
	Rejection              Status = 2
	Waiting                Status = 3
	RevocationWarning      Status = 4
	RevocationNotification Status = 5
)

// Failure is the reason of a rejection: the number of its bit in PKIFailureInfo
// (RFC 3161, 2.4.2).
type Failure uint8

// The reasons of RFC 3161.
const (
	BadAlg              Failure = 0
	BadRequest          Failure = 2
	BadDataFormat       Failure = 5
	TimeNotAvailable    Failure = 14
	UnacceptedPolicy    Failure = 15
	UnacceptedExtension Failure = 16
	AddInfoNotAvailable Failure = 17
	SystemFailure       Failure = 25
)

// String returns the name of the standard.
func (f Failure) String() string {
	switch f {
	case BadAlg:
		return "badAlg"
	case BadRequest:
		return "badRequest"
	case BadDataFormat:
		return "badDataFormat"
	case TimeNotAvailable:
		return "timeNotAvailable"
	case UnacceptedPolicy:
		return "unacceptedPolicy"
	case UnacceptedExtension:
		return "unacceptedExtension"
	case AddInfoNotAvailable:
		return "addInfoNotAvailable"
	case SystemFailure:
		return "systemFailure"
	default:
		return fmt.Sprintf("failure %d", uint8(f))
	}
}

// Refusal is the error of a request that gets no token, and what the requester is
// told.
type Refusal struct {
	Failure Failure
	Text    string // for the requester: nothing of the inside
	Err     error  // for the operator; may be nil
}

// Error implements error.
func (r *Refusal) Error() string {
	if r.Err != nil {
		return fmt.Sprintf("time stamp refused (%s): %s: %v", r.Failure, r.Text, r.Err)
	}
	return fmt.Sprintf("time stamp refused (%s): %s", r.Failure, r.Text)
}

// Unwrap returns the operator's error.
func (r *Refusal) Unwrap() error { return r.Err }

func refuse(f Failure, text string) *Refusal { return &Refusal{Failure: f, Text: text} }

// Response is an authority's answer (TimeStampResp of RFC 3161, 2.4.2). Its token is
// not read yet.
type Response struct {
	Status   Status
	Text     []string // statusString
	Failures []Failure
	Token    []byte // DER; nil unless granted
}

// marshalRefusal returns the response that tells a refusal.
func marshalRefusal(r *Refusal) ([]byte, error) {
	bits := make([]byte, r.Failure/8+1)
	bits[r.Failure/8] = 0x80 >> (r.Failure % 8)
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // PKIStatusInfo
			b.AddASN1Int64(int64(Rejection))
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // PKIFreeText
				b.AddASN1(cbasn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(r.Text)) })
			})
			b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) {
				b.AddUint8(uint8(7 - r.Failure%8)) // DER: no trailing zero bits
				b.AddBytes(bits)
			})
		})
	})
	return b.Bytes()
}

// marshalGranted returns the response that carries a token.
func marshalGranted(token []byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, len(token)+16))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(Granted)) })
		b.AddBytes(token)
	})
	return b.Bytes()
}

// MaxResponse bounds a response or a token that is read, in bytes.
const MaxResponse = 64 << 10

// maxTexts bounds the strings of a status.
const maxTexts = 8

func malformed(what string) error { return fmt.Errorf("%s: %w", what, ErrMalformed) }

// ParseResponse reads a response in DER. A token is there if and only if the status
// is granted.
func ParseResponse(der []byte) (*Response, error) {
	if len(der) > MaxResponse {
		return nil, malformed(fmt.Sprintf("response of %d bytes, at most %d are read", len(der), MaxResponse))
	}
	input := cryptobyte.String(der)
	var sequence, info cryptobyte.String
	var status int
	if !input.ReadASN1(&sequence, cbasn1.SEQUENCE) || !input.Empty() ||
		!sequence.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1Integer(&status) {
		return nil, malformed("not one response in DER")
	}
	if status < int(Granted) || status > int(RevocationNotification) {
		return nil, malformed(fmt.Sprintf("status %d", status))
	}
	r := &Response{Status: Status(status)}
	if err := r.readInfo(info); err != nil {
		return nil, err
	}
	var token cryptobyte.String
	granted := r.Status == Granted || r.Status == GrantedWithMods
	if granted != !sequence.Empty() {
		return nil, malformed("a token without its status, or a status without its token")
	}
	if granted {
		if !sequence.ReadASN1Element(&token, cbasn1.SEQUENCE) || !sequence.Empty() {
			return nil, malformed("not one token")
		}
		r.Token = token
	}
	return r, nil
}

func (r *Response) readInfo(info cryptobyte.String) error {
	var texts, failures cryptobyte.String
	var hasTexts, hasFailures bool
	if !info.ReadOptionalASN1(&texts, &hasTexts, cbasn1.SEQUENCE) || !info.ReadOptionalASN1(&failures, &hasFailures, cbasn1.BIT_STRING) || !info.Empty() {
		return malformed("status")
	}
	for !texts.Empty() {
		var text cryptobyte.String
		if len(r.Text) == maxTexts || !texts.ReadASN1(&text, cbasn1.UTF8String) {
			return malformed("status text")
		}
		r.Text = append(r.Text, string(text))
	}
	if !hasFailures {
		return nil
	}
	var unused uint8
	if !failures.ReadUint8(&unused) || unused > 7 || len(failures) > 4 || len(failures) == 0 && unused != 0 {
		return malformed("failure information")
	}
	for i := range 8 * len(failures) {
		if failures[i/8]&(0x80>>(i%8)) != 0 {
			if i >= 8*len(failures)-int(unused) {
				return malformed("failure information")
			}
			r.Failures = append(r.Failures, Failure(i))
		}
	}
	return nil
}

// refusal returns the error of a response without a token.
func (r *Response) refusal() error {
	refusal := &Refusal{Failure: SystemFailure, Text: fmt.Sprintf("status %d", r.Status)}
	if len(r.Failures) > 0 {
		refusal.Failure = r.Failures[0]
	}
	if len(r.Text) > 0 {
		refusal.Text = fmt.Sprintf("%q", strings.Join(r.Text, "; "))
	}
	return refusal
}
