package licence

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/strictjson"
)

// MaxApplicationSize bounds the JSON of one application, in bytes: room for
// several images in base64.
const MaxApplicationSize = 8 << 20

// Application is what a caller sends to have a licence issued.
type Application struct {
	Issuer     string                      `json:"issuer,omitempty"` // USCC; may be empty where one authority issues the category
	Number     string                      `json:"number"`
	Holder     ApplicationHolder           `json:"holder,omitzero"`   // or
	Holders    []ApplicationHolder         `json:"holders,omitempty"` // where the category has licences of several
	IssueDate  string                      `json:"issue_date"`
	ValidFrom  string                      `json:"valid_from,omitempty"`  // empty: the issue date
	ValidUntil string                      `json:"valid_until,omitempty"` // empty: by the category's rule; "long-term" or 长期: none
	Fields     map[string]ApplicationValue `json:"fields"`
}

// holders returns the holders, however they are given.
func (a *Application) holders() []ApplicationHolder {
	if len(a.Holders) > 0 {
		return a.Holders
	}
	return []ApplicationHolder{a.Holder}
}

// ApplicationHolder is a holder of the licence applied for.
type ApplicationHolder struct {
	Name     string `json:"name"`
	IDType   string `json:"id_type"` // GB/T 36903 annex A, for example 111
	IDNumber string `json:"id_number"`
}

// ApplicationValue is a field's value in JSON: a string or a number; for an
// image a string of base64 or {"file": path}.
type ApplicationValue struct {
	Text string // a string as it stands, or a number's literal
	File string // path of an image file; only the command line may use it

	wrong string // why the JSON is neither; [Validate] reports it by field with all other faults
}

// UnmarshalJSON accepts a string, a number, or {"file": path}, and takes note of
// anything else.
func (v *ApplicationValue) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case '"':
		return json.Unmarshal(b, &v.Text)
	case '{':
		var file struct {
			File string `json:"file"`
		}
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		if err := d.Decode(&file); err != nil || file.File == "" {
			v.wrong = `is an object that is not {"file": path}`
			return nil //nolint:nilerr // Validate names the field and goes on to the others
		}
		v.File = file.File
		return nil
	default:
		var n json.Number
		if err := json.Unmarshal(b, &n); err != nil || n == "" {
			v.wrong = `must be a string, a number, or for an image {"file": path}`
			return nil //nolint:nilerr // Validate names the field and goes on to the others
		}
		v.Text = n.String()
		return nil
	}
}

// MarshalJSON writes what [ApplicationValue.UnmarshalJSON] reads.
func (v ApplicationValue) MarshalJSON() ([]byte, error) {
	if v.File != "" {
		return json.Marshal(map[string]string{"file": v.File})
	}
	return json.Marshal(v.Text)
}

// ParseApplication reads one application from JSON: in UTF-8, known names only,
// each at most once, nothing after the object.
func ParseApplication(b []byte) (*Application, error) {
	if len(b) > MaxApplicationSize {
		return nil, bilingual.Wrap("申请内容过大", fmt.Errorf("application has %d bytes, at most %d are allowed", len(b), MaxApplicationSize))
	}
	var a Application
	if err := strictjson.Unmarshal(b, &a); err != nil {
		return nil, bilingual.Wrap("申请不是合格的 JSON", fmt.Errorf("reading the application: %w", err))
	}
	return &a, nil
}

// decodeImage returns the bytes of an image given as base64.
func (v ApplicationValue) decodeImage() ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(v.Text)
	if err != nil {
		return nil, errors.New("is not base64")
	}
	return b, nil
}
