package tsa

import (
	"bytes"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/oid"
)

// Info is what a token says (TSTInfo of RFC 3161, 2.4.2).
type Info struct {
	Policy   oid.ID
	Imprint  Imprint
	Serial   []byte        // content octets of its INTEGER; at most 160 bits
	Time     time.Time     // genTime, UTC
	Accuracy time.Duration // how far Time may be off, to either side; 0: not said
	Ordering bool          // tokens of this authority are ordered by Time, whatever their accuracy
	Nonce    []byte        // content octets of its INTEGER; nil: none
	Name     []byte        // tsa: the DER of a GeneralName; nil: none
}

// marshal returns the DER of TSTInfo. The request's imprint goes in as it was
// received.
func (i *Info) marshal(imprint func(*cryptobyte.Builder)) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, 256))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		oid.Add(b, i.Policy)
		imprint(b)
		addInteger(b, i.Serial)
		b.AddASN1GeneralizedTime(i.Time.UTC())
		if i.Accuracy > 0 {
			addAccuracy(b, i.Accuracy)
		}
		if i.Ordering {
			b.AddASN1Boolean(true)
		}
		if i.Nonce != nil {
			addInteger(b, i.Nonce)
		}
		if i.Name != nil {
			b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) { b.AddBytes(i.Name) })
		}
	})
	return b.Bytes()
}

var (
	tagMillis = cbasn1.Tag(0).ContextSpecific()
	tagMicros = cbasn1.Tag(1).ContextSpecific()
)

// addAccuracy writes Accuracy; parts that are zero are left out.
func addAccuracy(b *cryptobyte.Builder, a time.Duration) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if s := int64(a / time.Second); s > 0 {
			b.AddASN1Int64(s)
		}
		if ms := int64(a / time.Millisecond % 1000); ms > 0 {
			b.AddASN1Int64WithTag(ms, tagMillis)
		}
		if us := int64(a / time.Microsecond % 1000); us > 0 {
			b.AddASN1Int64WithTag(us, tagMicros)
		}
	})
}

// parseInfo reads TSTInfo in DER. Extensions are refused if they are critical.
func parseInfo(der []byte) (*Info, error) {
	var imprint Imprint
	i, err := readInfo(der, func(s *cryptobyte.String) error {
		var err error
		imprint, err = readImprint(s)
		return err
	})
	if err != nil {
		return nil, err
	}
	i.Imprint = imprint
	return i, nil
}

// readInfo reads all of TSTInfo but the imprint, which the caller reads.
func readInfo(der []byte, readImprint func(*cryptobyte.String) error) (*Info, error) {
	input := cryptobyte.String(der)
	var sequence cryptobyte.String
	var version int
	if !input.ReadASN1(&sequence, cbasn1.SEQUENCE) || !input.Empty() || !sequence.ReadASN1Integer(&version) || version != 1 {
		return nil, malformed("not TSTInfo of version 1 in DER")
	}
	i := new(Info)
	var ok bool
	if i.Policy, ok = oid.Read(&sequence); !ok {
		return nil, malformed("token has no policy")
	}
	if err := readImprint(&sequence); err != nil {
		return nil, fmt.Errorf("token: %w: %w", ErrMalformed, err)
	}
	if i.Serial, ok = readInteger(&sequence); !ok {
		return nil, malformed("token has no serial number")
	}
	if i.Time, ok = readGeneralizedTime(&sequence); !ok {
		return nil, malformed("token's time is not GeneralizedTime in DER")
	}
	if sequence.PeekASN1Tag(cbasn1.SEQUENCE) {
		if i.Accuracy, ok = readAccuracy(&sequence); !ok {
			return nil, malformed("token's accuracy")
		}
	}
	if sequence.PeekASN1Tag(cbasn1.BOOLEAN) {
		if !sequence.ReadASN1Boolean(&i.Ordering) || !i.Ordering {
			return nil, malformed("token's ordering is not TRUE in DER")
		}
	}
	if sequence.PeekASN1Tag(cbasn1.INTEGER) {
		if i.Nonce, ok = readInteger(&sequence); !ok {
			return nil, malformed("token's nonce")
		}
	}
	return i, i.readRest(sequence)
}

// readRest reads tsa and extensions.
func (i *Info) readRest(sequence cryptobyte.String) error {
	var explicit, name, extensions cryptobyte.String
	var hasName, hasExtensions bool
	var tag cbasn1.Tag
	if !sequence.ReadOptionalASN1(&explicit, &hasName, contextTag(0)) || !sequence.ReadOptionalASN1(&extensions, &hasExtensions, contextTag(1)) || !sequence.Empty() {
		return malformed("something follows the token")
	}
	if hasName {
		if !explicit.ReadAnyASN1Element(&name, &tag) || !explicit.Empty() {
			return malformed("token's authority is not one name")
		}
		i.Name = bytes.Clone(name)
	}
	for hasExtensions && !extensions.Empty() {
		var extension, value cryptobyte.String
		if !extensions.ReadASN1(&extension, cbasn1.SEQUENCE) {
			return malformed("token's extensions")
		}
		id, ok := oid.Read(&extension)
		critical := extension.PeekASN1Tag(cbasn1.BOOLEAN)
		if !ok || critical && !extension.SkipASN1(cbasn1.BOOLEAN) || !extension.ReadASN1(&value, cbasn1.OCTET_STRING) || !extension.Empty() {
			return malformed("token's extensions")
		}
		if critical {
			return malformed(fmt.Sprintf("token's critical extension %s is not known", id))
		}
	}
	return nil
}

func readAccuracy(s *cryptobyte.String) (time.Duration, bool) {
	var sequence cryptobyte.String
	if !s.ReadASN1(&sequence, cbasn1.SEQUENCE) {
		return 0, false
	}
	var seconds, millis, micros int64
	if sequence.PeekASN1Tag(cbasn1.INTEGER) && (!sequence.ReadASN1Integer(&seconds) || seconds < 0 || seconds > maxAccuracySeconds) ||
		!readThousandths(&sequence, tagMillis, &millis) || !readThousandths(&sequence, tagMicros, &micros) {
		return 0, false
	}
	a := time.Duration(seconds)*time.Second + time.Duration(millis)*time.Millisecond + time.Duration(micros)*time.Microsecond
	return a, sequence.Empty()
}

// readThousandths reads an optional INTEGER (1..999) under an implicit tag, in DER.
func readThousandths(s *cryptobyte.String, tag cbasn1.Tag, n *int64) bool {
	var content cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&content, &present, tag) {
		return false
	}
	if !present {
		return true
	}
	var b cryptobyte.Builder
	addInteger(&b, content)
	integer := cryptobyte.String(b.BytesOrPanic())
	return integer.ReadASN1Integer(n) && *n >= 1 && *n <= 999
}

// maxAccuracySeconds: a token that may be off by more than a day proves no time.
const maxAccuracySeconds = 24 * 60 * 60

// readGeneralizedTime reads a time in the form of RFC 3161, 2.4.2: UTC with seconds,
// and a fraction without trailing zeros.
func readGeneralizedTime(s *cryptobyte.String) (time.Time, bool) {
	var content cryptobyte.String
	if !s.ReadASN1(&content, cbasn1.GeneralizedTime) || len(content) > len("20060102150405.123456789Z") {
		return time.Time{}, false
	}
	text := string(content)
	layout := "20060102150405Z"
	if len(text) > len(layout) {
		layout = "20060102150405.999999999Z"
	}
	t, err := time.Parse(layout, text)
	// Formatting again finds trailing zeros and other ways to write the same.
	return t, err == nil && t.Format(layout) == text
}
