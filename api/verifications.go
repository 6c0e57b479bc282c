package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"reflect"
	"runtime"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/qr/picture"
	"github.com/elicence/elicence/seal/pdf"
)

// verificationInput is what is verified: its media type says what it is.
type verificationInput struct {
	ContentType string `header:"Content-Type" doc:"application/json, text/plain, image/png, image/jpeg or application/pdf"`
	Password    string `header:"Document-Password" doc:"Opens an encrypted PDF: the user's or the owner's password in UTF-8, in base64"`
	RawBody     []byte
	address     string // of the caller
}

// Resolve implements [huma.Resolver].
func (in *verificationInput) Resolve(ctx huma.Context) []error {
	in.address = humaecho.Unwrap(ctx).RealIP()
	return nil
}

// textInput is what is verified in JSON: a code, or what stands on a paper whose code
// cannot be read.
type textInput struct {
	Code       string `json:"code,omitempty" doc:"The digits of a code, alone or behind '#' of an address"`
	Identifier string `json:"identifier,omitempty" doc:"E-licence identifier, alone: looked up online"`
	Number     string `json:"number,omitempty" doc:"Number of a licence, with holder or id_tail: looked up online"`
	Category   string `json:"category,omitempty" doc:"Three digits, where licences of several categories have the number"`
	Holder     string `json:"holder,omitempty" doc:"The holder's whole name"`
	IDTail     string `json:"id_tail,omitempty" doc:"Last four characters of the holder's document number; does not count where the licence's number has them, nor for organisations"`
}

// query is what is looked up; zero where there is a code.
func (in textInput) query() office.NumberQuery {
	return office.NumberQuery{Identifier: in.Identifier, Number: in.Number, Category: in.Category, Holder: in.Holder, IDTail: in.IDTail}
}

// verificationOutput is the answer.
type verificationOutput struct{ Body Verification }

// Verification is an inspection with words for people.
type Verification struct {
	office.Inspection
	Wording wording      `json:"wording"`
	Labels  []fieldLabel `json:"field_labels" doc:"Names of the code's fields, in order"`
}

// fieldLabel names a field of a code for people.
type fieldLabel struct {
	Code string `json:"code"`
	ZH   string `json:"zh"`
	EN   string `json:"en"`
}

// explain adds the words to what was found.
func explain(found office.Inspection) Verification {
	w := found.Verdict.Wording()
	v := Verification{Inspection: found, Wording: wording{w.ZH, w.EN, found.NextZH, found.NextEN, string(w.Colour), w.Symbol}, Labels: []fieldLabel{}}
	if found.Code != nil {
		for _, l := range found.Code.Labels {
			v.Labels = append(v.Labels, fieldLabel(l))
		}
	}
	return v
}

// wording is how the verdict is put to people.
type wording struct {
	ZH     string `json:"zh"`
	EN     string `json:"en"`
	NextZH string `json:"next_zh"`
	NextEN string `json:"next_en"`
	Colour string `json:"colour" enum:"green,amber,red"`
	Symbol string `json:"symbol"`
}

func (s *Server) registerVerifications() {
	content := map[string]*huma.MediaType{
		"application/json": {Schema: s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[textInput](), true, "TextInput")},
		"text/plain":       {Schema: &huma.Schema{Type: "string"}},
	}
	for _, binary := range []string{"image/png", "image/jpeg", "application/pdf"} {
		content[binary] = &huma.MediaType{Schema: &huma.Schema{Type: "string", Format: "binary"}}
	}
	// Verification is work for a processor: more at once than there are makes
	// everybody wait longer.
	slots := make(chan struct{}, runtime.NumCPU())
	huma.Register(s.api, huma.Operation{
		OperationID: "verify", Method: http.MethodPost, Path: "/v1/verifications", Tags: []string{"verification"},
		Summary: "核验 Verify a code, a picture of one, or a PDF; or look a licence up by its number",
		Description: "Every verdict is an answer with status 200; what cannot be judged at all (not a PDF, encrypted, no code in the picture) is 422. " +
			"Nothing that is sent is kept. A number is looked up online and nothing is verified offline: the answer says so (online), and a wrong name and a number that nobody has get the same one.",
		RequestBody: &huma.RequestBody{Required: true, Content: content}, MaxBodyBytes: maxBody, BodyReadTimeout: readTimeout, SkipValidateBody: true,
		Errors: []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *verificationInput) (*verificationOutput, error) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-ctx.Done():
			return nil, huma.Error503ServiceUnavailable("too busy")
		}
		inspector, err := s.inspectors.current(ctx)
		if err != nil {
			s.log.Error("cannot verify", "error", err)
			return nil, huma.Error503ServiceUnavailable("the service's trust files do not verify")
		}
		found, err := s.inspect(ctx, inspector, in)
		if err != nil {
			return nil, err
		}
		return &verificationOutput{explain(found)}, nil
	})
}

// inspect looks at the body as its media type says.
func (s *Server) inspect(ctx context.Context, i *office.Inspector, in *verificationInput) (office.Inspection, error) {
	mediaType, _, err := mime.ParseMediaType(in.ContentType)
	if err != nil {
		return office.Inspection{}, huma.Error415UnsupportedMediaType("Content-Type is missing or malformed")
	}
	switch mediaType {
	case "application/json":
		var text textInput
		d := json.NewDecoder(bytes.NewReader(in.RawBody))
		d.DisallowUnknownFields()
		err := d.Decode(&text)
		query := text.query()
		switch {
		case err != nil || (text.Code == "") == (query == office.NumberQuery{}):
			return office.Inspection{}, huma.Error422UnprocessableEntity(`body: must be {"code": "…"}, {"identifier": "…"}, or {"number": "…", "holder": "…"}`)
		case text.Code == "":
			return s.lookUp(ctx, in.address, query)
		}
		return i.Code(text.Code), nil
	case "text/plain":
		return i.Code(string(in.RawBody)), nil
	case "image/png", "image/jpeg", "application/pdf":
		password, err := base64.StdEncoding.DecodeString(in.Password)
		if err != nil {
			return office.Inspection{}, huma.Error422UnprocessableEntity("Document-Password: is not base64")
		}
		found, err := i.Opening(pdf.Access{Password: string(password)}).File(ctx, in.RawBody)
		if err != nil {
			return found, huma.Error422UnprocessableEntity(reason(err))
		}
		return found, nil
	default:
		return office.Inspection{}, huma.Error415UnsupportedMediaType("Content-Type: " + mediaType + " is not one of application/json, text/plain, image/png, image/jpeg, application/pdf")
	}
}

// reason says why a file cannot be judged. These errors speak of the caller's own
// file, so all of them may be told.
func reason(err error) string {
	var damaged *pdf.DamagedError
	switch {
	case errors.Is(err, picture.ErrNoCode):
		return "图片中没有找到二维码 no QR code was found in the picture"
	case errors.Is(err, picture.ErrSeveralCodes):
		return "图片中有不止一个二维码，请只拍一个 more than one QR code is in the picture: show one alone"
	case errors.Is(err, picture.ErrNotPicture):
		return "不是可用的图片 not a usable PNG or JPEG picture"
	case errors.Is(err, pdf.ErrEncrypted):
		return "PDF 已加密 " + err.Error()
	case errors.As(err, &damaged):
		return "PDF 已损坏 " + damaged.Error()
	case errors.Is(err, office.ErrInput):
		return "无法识别的内容 " + err.Error()
	default:
		return err.Error()
	}
}
