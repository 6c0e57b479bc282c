package api

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/answer"
	"github.com/elicence/elicence/licence/disclose"
	"github.com/elicence/elicence/pki"
)

// maxWalletBody bounds a wallet's request, in bytes.
const maxWalletBody = 4 << 10

// DeviceRequest is what every request of a bound device has. (Exported, or the library
// would not see it in what embeds it.)
type DeviceRequest struct {
	Licence string `json:"licence" maxLength:"100" doc:"Identifier of the licence, as binding answered"`
	Device  string `json:"device" pattern:"^[0-9a-f]{16}$" doc:"Name of the device, as binding answered"`
	Time    int64  `json:"time" minimum:"0" doc:"UTC seconds, at most 5 minutes off"`
	Proof   string `json:"proof" minLength:"86" maxLength:"86" doc:"Signature by the device's key, r ‖ s, base64url"`
}

type bindInput struct {
	Body struct {
		Code      string   `json:"code" pattern:"^[0-9]{16}$" doc:"Binding code"`
		Algorithm string   `json:"algorithm" enum:"p256,sm2"`
		DeviceKey string   `json:"device_key" minLength:"44" maxLength:"44" doc:"Compressed point, 33 bytes, base64url"`
		Profiles  []string `json:"profiles" minItems:"1" maxItems:"3" uniqueItems:"true" enum:"full,masked,minimal" doc:"Profiles of disclosure that the device shall show offline"`
		Proof     string   `json:"proof" minLength:"86" maxLength:"86" doc:"Signature by the device's key, r ‖ s, base64url"`
	}
}

type renewInput struct{ Body DeviceRequest }

type unbindInput struct{ Body DeviceRequest }

type presentInput struct {
	Body struct {
		DeviceRequest
		Fields []string `json:"fields" maxItems:"8" uniqueItems:"true" doc:"Names out of choices"`
	}
}

// holdingOutput is a licence as a wallet keeps it.
type holdingOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Licence     string             `json:"licence"`
		Device      string             `json:"device"`
		Summary     summaryView        `json:"summary"`
		Choices     []string           `json:"choices" doc:"What presentations can show"`
		Credentials []deviceCredential `json:"credentials"`
		RenewAt     time.Time          `json:"renew_at"`
		ServerTime  time.Time          `json:"server_time"`
	}
}

// summaryView is what a licence says, for its holder.
type summaryView struct {
	Category     string         `json:"category"`
	CategoryName string         `json:"category_name"`
	Number       string         `json:"number"`
	Holder       string         `json:"holder"`
	MaskedID     *string        `json:"id_masked"`
	Issuer       string         `json:"issuer"`
	ValidFrom    string         `json:"valid_from"`
	ValidUntil   *string        `json:"valid_until" doc:"null: long-term"`
	Fields       []summaryField `json:"fields"`
}

type summaryField struct {
	Code string `json:"code"`
	ZH   string `json:"zh"`
	EN   string `json:"en"`
	Text string `json:"text"`
}

type deviceCredential struct {
	Profile    string    `json:"profile"`
	Credential string    `json:"credential" doc:"Item 0 of a code of kind 2, base64url"`
	Expires    time.Time `json:"expires"`
}

type presentOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Code       string    `json:"code" doc:"Digits of a code of kind 3"`
		Expires    time.Time `json:"expires"`
		ServerTime time.Time `json:"server_time"`
	}
}

func (s *Server) registerWallet() {
	operation := func(name, summary, description string, more ...int) huma.Operation {
		return huma.Operation{
			OperationID: "wallet-" + name, Method: http.MethodPost, Path: walletPath + name, Tags: []string{"wallet"}, Summary: summary, Description: description,
			MaxBodyBytes: maxWalletBody, BodyReadTimeout: readTimeout, DefaultStatus: http.StatusOK,
			Errors: append([]int{
				http.StatusForbidden, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
				http.StatusServiceUnavailable,
			}, more...),
		}
	}
	huma.Register(s.api, operation("bindings", "绑定设备 Bind a device to a licence",
		"With the code that the holder got at a counter. The same request again is answered with the same credentials."), s.bindDevice)
	huma.Register(s.api, operation("renewals", "续期 Renew the credentials of a device",
		"They keep their places in the status lists. Within a day of the last time they are the same."), s.renewDevice)
	huma.Register(s.api, operation("presentations", "在线亮证 A code of 60 seconds with the chosen fields",
		"Each time of a request is good for one code."), s.presentLicence)
	s.registerWalletAnswers(operation)
	unbind := operation("unbindings", "解除绑定 End a device's binding for good", "Its credentials are revoked. Once more is no error.")
	unbind.DefaultStatus = http.StatusNoContent
	huma.Register(s.api, unbind, s.unbindDevice)
}

func (s *Server) bindDevice(ctx context.Context, in *bindInput) (*holdingOutput, error) {
	var faults malformed
	q := office.BindRequest{Algorithm: in.Body.Algorithm, Key: faults.bytes("body.device_key", in.Body.DeviceKey), Proof: faults.proof(in.Body.Proof)}
	var err error
	q.Code, err = licence.ParseBindingCode(in.Body.Code)
	faults.add("body.code", err)
	for _, name := range in.Body.Profiles {
		p, err := disclose.ParseProfile(name)
		faults.add("body.profiles", err)
		q.Profiles = append(q.Profiles, p)
	}
	if err := faults.problem(); err != nil {
		return nil, err
	}
	h, err := s.office.BindDevice(ctx, q)
	return s.held(h, err)
}

func (s *Server) renewDevice(ctx context.Context, in *renewInput) (*holdingOutput, error) {
	q, err := in.Body.request()
	if err != nil {
		return nil, err
	}
	h, err := s.office.RenewDevice(ctx, office.RenewRequest{DeviceRequest: q})
	return s.held(h, err)
}

func (s *Server) presentLicence(ctx context.Context, in *presentInput) (*presentOutput, error) {
	q, err := in.Body.request()
	if err != nil {
		return nil, err
	}
	p, err := s.office.PresentByDevice(ctx, office.PresentRequest{DeviceRequest: q, Fields: in.Body.Fields})
	if err != nil {
		return nil, s.walletProblem(err)
	}
	out := &presentOutput{CacheControl: "no-store"}
	out.Body.Code, out.Body.Expires, out.Body.ServerTime = p.Digits, p.Expires, p.Now
	return out, nil
}

func (s *Server) unbindDevice(ctx context.Context, in *unbindInput) (*struct{}, error) {
	q, err := in.Body.request()
	if err != nil {
		return nil, err
	}
	if err := s.office.UnbindByDevice(ctx, office.UnbindRequest{DeviceRequest: q}); err != nil {
		return nil, s.walletProblem(err)
	}
	return nil, nil
}

// held writes what a device holds.
func (s *Server) held(h office.Holding, err error) (*holdingOutput, error) {
	if err != nil {
		return nil, s.walletProblem(err)
	}
	l, summary := h.Licence, h.Summary
	v := summaryView{
		Category: l.Category.String(), CategoryName: h.Category.NameZH, Number: summary.Number, Holder: summary.Holder, Issuer: l.IssuerName,
		ValidFrom: l.FirstDay.String(), Fields: []summaryField{},
	}
	if summary.MaskedID != "" {
		v.MaskedID = &summary.MaskedID
	}
	if l.LastDay != nil {
		until := l.LastDay.String()
		v.ValidUntil = &until
	}
	for _, f := range h.Category.QRFields() {
		if value, present := l.Fields[f.Code]; present {
			v.Fields = append(v.Fields, summaryField{f.Code, f.NameZH, f.NameEN, value.Text(f)})
		}
	}
	out := &holdingOutput{CacheControl: "no-store"}
	b := &out.Body
	b.Licence, b.Device, b.Summary, b.Choices, b.RenewAt, b.ServerTime = l.Identifier.String(), h.Device.String(), v, h.Choices(), h.RenewAt, h.Now
	for _, c := range h.Credentials {
		b.Credentials = append(b.Credentials, deviceCredential{c.Profile, base64.RawURLEncoding.EncodeToString(c.Signed), c.Expires})
	}
	return out, nil
}

// request reads what every request of a bound device has.
func (d DeviceRequest) request() (office.DeviceRequest, error) {
	var faults malformed
	q := office.DeviceRequest{Time: d.Time, Proof: faults.proof(d.Proof)}
	var err error
	q.Licence, err = licence.ParseIdentifier(d.Licence)
	faults.add("body.licence", err)
	q.Device, err = licence.ParseDeviceID(d.Device)
	faults.add("body.device", err)
	return q, faults.problem()
}

// malformed collects what is wrong with a request, by its members.
type malformed []error

func (m *malformed) add(location string, err error) {
	if err != nil {
		*m = append(*m, &huma.ErrorDetail{Location: location, Message: err.Error()})
	}
}

// bytes reads base64url, of which there is one accepted form.
func (m *malformed) bytes(location, text string) []byte {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		m.add(location, errors.New("is not base64url without padding"))
	}
	return b
}

func (m *malformed) proof(text string) pki.Signature {
	const location = "body.proof"
	b := m.bytes(location, text)
	if len(b) != pki.SignatureSize {
		m.add(location, errors.New("is not 64 bytes"))
		return pki.Signature{}
	}
	return pki.Signature(b)
}

func (m malformed) problem() error {
	if len(m) == 0 {
		return nil
	}
	return huma.Error422UnprocessableEntity("请求格式不对 malformed request", m...)
}

// walletProblems is how refusals are told. Their types are links to docs/wallet-api.md.
var walletProblems = []struct {
	is     error
	status int
	name   string // behind '#' of the type
	detail string
}{
	{licence.ErrBinding, http.StatusForbidden, "binding-code", "绑定码不对、已用、过期或试错太多，请到窗口重新领取 the binding code is wrong, used, too old, or was tried too often: ask for a new one"},
	{office.ErrProof, http.StatusForbidden, "device", "证照或设备不存在，或签名不符 no such licence or device, or the proof is not by its key"},
	{office.ErrRequestTime, http.StatusConflict, "clock", "本机时钟不准，请校准后重试 the device's clock is off: set it and try again"},
	{licence.ErrDeviceTime, http.StatusConflict, "used", "此请求已用过，请重新签名 this time was used before: sign a later one"},
	{licence.ErrUnbound, http.StatusConflict, "unbound", "此设备已解除绑定 the device was unbound"},
	{licence.ErrTooManyDevices, http.StatusConflict, "devices", "绑定的设备太多，请到窗口解除一台 too many devices are bound: have one unbound at a counter"},
	{office.ErrNotInForce, http.StatusConflict, "state", "证照不在有效期内 the licence is not in force today"},
}

// walletProblem tells a wallet why it gets nothing, and the log what is nobody's
// business. Only who has proven to hold the device or the code hears of the licence.
func (s *Server) walletProblem(err error) error {
	for _, p := range walletProblems {
		if errors.Is(err, p.is) {
			return &huma.ErrorModel{Type: problemType + p.name, Title: http.StatusText(p.status), Status: p.status, Detail: p.detail}
		}
	}
	switch {
	case errors.Is(err, licence.ErrStep):
		return &huma.ErrorModel{
			Type: problemType + "state", Title: http.StatusText(http.StatusConflict), Status: http.StatusConflict,
			Detail: "证照已暂扣或注销，请联系发证机关 the licence is suspended or revoked: contact the issuing authority",
		}
	case errors.Is(err, office.ErrChoice), errors.Is(err, office.ErrDeviceKey), errors.Is(err, office.ErrAsk), errors.Is(err, answer.ErrQuestion):
		return huma.Error422UnprocessableEntity(err.Error())
	}
	s.log.Error("a wallet gets no answer", "error", err)
	return huma.Error503ServiceUnavailable("the service cannot answer now")
}

// problemType begins the types of problems.
const problemType = "/docs#"
