package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/keystore"
)

// Media types of Status List Tokens (draft-ietf-oauth-status-list-20, 8.1 and 13.5).
const (
	mediaJWT = "application/statuslist+jwt"
	mediaCWT = "application/statuslist+cwt"
)

// tokens are the lists that third parties have asked for, as they are published now.
type tokens struct {
	office     *office.Office
	inspectors *inspectors
	national   bool // algorithms only, so there are no tokens

	mu    sync.Mutex
	of    *inspect.Inspector                // what lists were made of; guarded by mu
	lists map[uint32]office.TokenStatusList // guarded by mu
}

// registerTokenStatus serves status lists to third parties:
//
//	GET /token-status/{list}       a JWT, or a CWT for who asks for one
//	GET /token-status/jwks.json    the keys that sign them
//
// The first key is made here, where there is none: no stranger's request makes a key.
func (s *Server) registerTokenStatus(ctx context.Context) error {
	_, err := s.office.TokenKeys(ctx)
	national := errors.Is(err, keystore.ErrNational)
	if err != nil && !national {
		return err
	}
	t := &tokens{office: s.office, inspectors: s.inspectors, national: national}
	s.echo.GET(office.TokenStatusPath+":list", t.serve)
	s.echo.HEAD(office.TokenStatusPath+":list", t.serve)
	return nil
}

func (t *tokens) serve(c echo.Context) error {
	h := c.Response().Header()
	h.Set(echo.HeaderAccessControlAllowOrigin, "*") // wallets and verifiers are pages of others
	if t.national {
		return echo.NewHTTPError(http.StatusNotFound, "this service has no status list tokens: it uses national algorithms only")
	}
	if c.Param("list") == office.TokenStatusKeys {
		keys, err := t.office.TokenKeys(c.Request().Context())
		if err != nil {
			return err
		}
		set, err := keys.JWKS()
		if err != nil {
			return err
		}
		return sendToken(c, "application/jwk-set+json", set, time.Time{}, 0)
	}
	list, err := strconv.ParseUint(c.Param("list"), 10, 32)
	if err != nil || strconv.FormatUint(list, 10) != c.Param("list") {
		return echo.NewHTTPError(http.StatusNotFound, "no such status list")
	}
	token, err := t.list(c.Request().Context(), uint32(list))
	if errors.Is(err, office.ErrNoList) {
		return echo.NewHTTPError(http.StatusNotFound, "no such status list")
	}
	if err != nil {
		return fmt.Errorf("signing a status list token: %w", err)
	}
	h.Set(echo.HeaderVary, echo.HeaderAccept)
	switch format := tokenFormat(c.Request().Header.Get(echo.HeaderAccept)); format {
	case mediaJWT:
		return sendToken(c, format, token.JWT, token.IssuedAt, token.Fresh)
	case mediaCWT:
		return sendToken(c, format, token.CWT, token.IssuedAt, token.Fresh)
	default:
		return echo.NewHTTPError(http.StatusNotAcceptable, "there is "+mediaJWT+" and "+mediaCWT)
	}
}

// tokenFormat chooses by Accept: the first of both that is named, or a JWT for who takes
// anything. Weights are not looked at.
func tokenFormat(accept string) string {
	if strings.TrimSpace(accept) == "" {
		return mediaJWT
	}
	anything := ""
	for one := range strings.SplitSeq(accept, ",") {
		name, _, _ := strings.Cut(one, ";")
		switch name = strings.ToLower(strings.TrimSpace(name)); name {
		case mediaJWT, mediaCWT:
			return name
		case "*/*", "application/*":
			anything = mediaJWT
		}
	}
	return anything
}

func sendToken(c echo.Context, mediaType string, content []byte, modified time.Time, fresh time.Duration) error {
	sum := sha256.Sum256(content)
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, mediaType)
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
	h.Set(echo.HeaderCacheControl, "no-cache")
	if age := fresh - time.Since(modified); fresh > 0 && age >= time.Second {
		h.Set(echo.HeaderCacheControl, fmt.Sprintf("public, max-age=%d", int(min(age, fresh)/time.Second)))
	}
	http.ServeContent(c.Response(), c.Request(), "", modified, bytes.NewReader(content))
	return nil
}

// list returns a list as it is published now. Each is signed once in a publication, one
// after the other: who asks for all cannot have more work done.
func (t *tokens) list(ctx context.Context, list uint32) (office.TokenStatusList, error) {
	inspector, err := t.inspectors.current(ctx)
	if err != nil {
		return office.TokenStatusList{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of != inspector {
		t.of, t.lists = inspector, make(map[uint32]office.TokenStatusList)
	}
	if token, ok := t.lists[list]; ok {
		return token, nil
	}
	keys, err := t.office.TokenKeys(ctx)
	if err != nil {
		return office.TokenStatusList{}, err
	}
	token, err := t.office.TokenStatusList(inspector, keys, list)
	if err != nil {
		return office.TokenStatusList{}, err
	}
	t.lists[list] = token
	return token, nil
}
