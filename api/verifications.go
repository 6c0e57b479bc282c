package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/qr/picture"
	"github.com/elicence/elicence/seal/ofd"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// verificationInput is what is verified: its media type says what it is.
type verificationInput struct {
	ContentType string `header:"Content-Type" doc:"application/json, text/plain, image/png, image/jpeg, application/pdf, application/ofd, or application/octet-stream for a file that says itself what it is"`
	Accept      string `header:"Accept" doc:"application/json; of a document also text/html or application/pdf: the report"`
	Format      string `query:"format" enum:"json,html,pdf" doc:"The same where headers cannot be set; counts before Accept"`
	Name        string `query:"name" maxLength:"200" doc:"Name of the file, which the report shows"`
	Password    string `header:"Document-Password" doc:"Opens an encrypted PDF: the user's or the owner's password in UTF-8, in base64"`
	body        io.Reader
	address     string // of the caller
}

// Resolve implements [huma.Resolver].
func (in *verificationInput) Resolve(ctx huma.Context) []error {
	in.address, in.body = humaecho.Unwrap(ctx).RealIP(), ctx.BodyReader()
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

// verificationOutput is the answer: a [Verification], or a report's bytes.
type verificationOutput struct {
	ContentType  string `header:"Content-Type"`
	Disposition  string `header:"Content-Disposition"`
	Policy       string `header:"Content-Security-Policy"`
	CacheControl string `header:"Cache-Control"`
	Body         any
}

// Verification is an inspection with words for people.
type Verification struct {
	inspect.Inspection
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
func explain(found inspect.Inspection) Verification {
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
	schemas := s.api.OpenAPI().Components.Schemas
	content := map[string]*huma.MediaType{
		"application/json": {Schema: schemas.Schema(reflect.TypeFor[textInput](), true, "TextInput")},
		"text/plain":       {Schema: &huma.Schema{Type: "string"}},
	}
	binary := &huma.Schema{Type: "string", Format: "binary"}
	for _, mediaType := range fileTypes {
		content[mediaType] = &huma.MediaType{Schema: binary}
	}
	answers := map[string]*huma.MediaType{
		"application/json": {Schema: schemas.Schema(reflect.TypeFor[Verification](), true, "Verification")},
		typeHTML:           {Schema: &huma.Schema{Type: "string"}},
		typePDF:            {Schema: binary},
	}
	huma.Register(s.api, huma.Operation{
		OperationID: "verify", Method: http.MethodPost, Path: "/v1/verifications", Tags: []string{"verification"},
		Summary: "核验 Verify a code, a picture of one, a PDF or an OFD document; or look a licence up by its number",
		Description: "Every verdict is an answer with status 200; what cannot be judged at all (not a PDF, encrypted, no code in the picture) is 422. " +
			"Of a document the answer may be a report for people, as HTML or PDF: by Accept, or format=html and format=pdf. " +
			"Nothing that is sent is kept. A number is looked up online and nothing is verified offline: the answer says so (online), and a wrong name and a number that nobody has get the same one.",
		Responses: map[string]*huma.Response{"200": {Description: "OK", Content: answers}},
		Errors:    []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *verificationInput) (*verificationOutput, error) {
		format := in.format()
		found, sent, err := s.verify(ctx, in)
		if err != nil {
			return nil, err
		}
		if found.Document != nil && format != formatJSON {
			r, err := s.report(format, in.Name, sent, found)
			if err != nil {
				return nil, err
			}
			return &verificationOutput{r.contentType, r.disposition, reportPolicy, "no-store", r.content}, nil
		}
		if in.Format != "" && format != formatJSON {
			return nil, huma.Error422UnprocessableEntity("format: 报告只用于文件 only a document has a report")
		}
		return &verificationOutput{Body: explain(found)}, nil
	})
	// Described afterwards: huma reads a body that it knows of into memory.
	s.api.OpenAPI().Paths["/v1/verifications"].Post.RequestBody = &huma.RequestBody{Required: true, Content: content}
}

// fileTypes are the media types of files. What a file is its content says.
var fileTypes = []string{"image/png", "image/jpeg", typePDF, "application/ofd", "application/octet-stream"}

// verify judges what was sent. What of it was a file is described for a report.
func (s *Server) verify(ctx context.Context, in *verificationInput) (inspect.Inspection, sentFile, error) {
	mediaType, _, err := mime.ParseMediaType(in.ContentType)
	if err != nil {
		return inspect.Inspection{}, sentFile{}, huma.Error415UnsupportedMediaType("Content-Type is missing or malformed")
	}
	switch {
	case mediaType == "application/json", mediaType == "text/plain":
		found, err := s.verifyText(ctx, in, mediaType)
		return found, sentFile{}, err
	case slices.Contains(fileTypes, mediaType):
		password, err := base64.StdEncoding.DecodeString(in.Password)
		if err != nil {
			return inspect.Inspection{}, sentFile{}, huma.Error422UnprocessableEntity("Document-Password: is not base64")
		}
		return s.verifyFile(ctx, in.address, in.body, syntax.Access{Password: string(password)})
	default:
		return inspect.Inspection{}, sentFile{}, huma.Error415UnsupportedMediaType("Content-Type: " + mediaType + " is not one of application/json, text/plain, " + strings.Join(fileTypes, ", "))
	}
}

// verifyText judges a code, or looks a number up.
func (s *Server) verifyText(ctx context.Context, in *verificationInput, mediaType string) (inspect.Inspection, error) {
	body, err := io.ReadAll(io.LimitReader(in.body, maxText+1))
	if err != nil {
		return inspect.Inspection{}, notReceived(err)
	}
	if len(body) == 0 {
		return inspect.Inspection{}, errNothing()
	}
	if len(body) > maxText {
		return inspect.Inspection{}, huma.NewError(http.StatusRequestEntityTooLarge, fmt.Sprintf("body: more than %d bytes", maxText))
	}
	inspector, free, err := s.inspector(ctx)
	if err != nil {
		return inspect.Inspection{}, err
	}
	defer free()
	if mediaType == "text/plain" {
		return inspector.Code(string(body)), nil
	}
	var text textInput
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err = d.Decode(&text)
	query := text.query()
	switch {
	case err != nil || (text.Code == "") == (query == office.NumberQuery{}):
		return inspect.Inspection{}, huma.Error422UnprocessableEntity(`body: must be {"code": "…"}, {"identifier": "…"}, or {"number": "…", "holder": "…"}`)
	case text.Code == "":
		return s.lookUp(ctx, in.address, query)
	}
	return inspector.Code(text.Code), nil
}

// verifyFile receives a file and judges it by its content.
func (s *Server) verifyFile(ctx context.Context, address string, body io.Reader, access syntax.Access) (inspect.Inspection, sentFile, error) {
	end, ok := s.uploads.begin(address)
	if !ok {
		return inspect.Inspection{}, sentFile{}, huma.Error503ServiceUnavailable("正在核验的文件过多，请稍后再试 too many files at once, try again soon")
	}
	defer end()
	u, err := receive(body)
	if errors.Is(err, errTooLarge) {
		return inspect.Inspection{}, sentFile{}, huma.NewError(http.StatusRequestEntityTooLarge, err.Error())
	}
	if err != nil {
		return inspect.Inspection{}, sentFile{}, notReceived(err)
	}
	defer u.close()
	if u.size == 0 {
		return inspect.Inspection{}, sentFile{}, errNothing()
	}
	inspector, free, err := s.inspector(ctx)
	if err != nil {
		return inspect.Inspection{}, sentFile{}, err
	}
	defer free()
	found, err := inspector.Opening(access).ReaderAt(ctx, u.file, u.size)
	if err != nil {
		return inspect.Inspection{}, sentFile{}, huma.Error422UnprocessableEntity(reason(err))
	}
	return found, sentFile{u.size, u.sm3}, nil
}

func errNothing() error { return huma.Error400BadRequest("没有内容 nothing was sent") }

// notReceived answers whoever broke off, or sent more than the server takes.
func notReceived(err error) error {
	var known *echo.HTTPError
	if errors.As(err, &known) && known.Code == http.StatusRequestEntityTooLarge {
		return huma.NewError(known.Code, errTooLarge.Error())
	}
	return huma.Error400BadRequest("the body was not received whole")
}

// inspector waits for a processor, as more verifications at once than there are make
// everybody wait longer, and returns what judges, and what gives the processor back.
func (s *Server) inspector(ctx context.Context) (*inspect.Inspector, func(), error) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, huma.Error503ServiceUnavailable("too busy")
	}
	free := func() { <-s.slots }
	inspector, err := s.inspectors.current(ctx)
	if err != nil {
		free()
		s.log.Error("cannot verify", "error", err)
		return nil, nil, huma.Error503ServiceUnavailable("the service's trust files do not verify")
	}
	return inspector, free, nil
}

// reason says why a file cannot be judged. These errors speak of the caller's own
// file, so all of them may be told.
func reason(err error) string {
	var damaged *syntax.DamagedError
	switch {
	case errors.Is(err, picture.ErrNoCode):
		return "图片中没有找到二维码 no QR code was found in the picture"
	case errors.Is(err, picture.ErrSeveralCodes):
		return "图片中有不止一个二维码，请只拍一个 more than one QR code is in the picture: show one alone"
	case errors.Is(err, picture.ErrNotPicture):
		return "不是可用的图片 not a usable PNG or JPEG picture"
	case errors.Is(err, syntax.ErrEncrypted):
		return "PDF 已加密 " + err.Error()
	case errors.As(err, &damaged):
		return "PDF 已损坏 " + damaged.Error()
	case errors.Is(err, ofd.ErrMalformed):
		return "OFD 不合格式 " + err.Error()
	case errors.Is(err, inspect.ErrInput):
		return "无法识别的内容，能核验的有：核验码、PNG 或 JPEG 图片、PDF、OFD、证据包、签名答复 " + err.Error()
	default:
		return err.Error()
	}
}
