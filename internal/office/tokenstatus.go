package office

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/pki/second"
)

// Status lists for third parties: the IETF Token Status List, signed with ES256, beside
// which they need none of our algorithms.
const (
	// TokenStatusPath is where the service has them: TokenStatusPath + list number.
	TokenStatusPath = "/token-status/"
	// TokenStatusKeys is the name of the JWK Set beside them.
	TokenStatusKeys = "jwks.json"

	tokenLife  = 72 * time.Hour // as old as status data may be for most categories
	tokenFresh = 15 * time.Minute
)

// ErrNoList says that the published status has no such list.
var ErrNoList = errors.New("no such status list")

// TokenStatusList is one published list in both formats.
type TokenStatusList struct {
	JWT, CWT []byte
	IssuedAt time.Time
	Fresh    time.Duration // after which a newer one can be expected
}

// TokenStatusList signs one of the lists that an inspector looks into, with the key in use.
// The error wraps [ErrNoList] if there is none of the number.
func (o *Office) TokenStatusList(i *inspect.Inspector, keys *TokenKeys, list uint32) (TokenStatusList, error) {
	set, ok := i.Cache().Set(list)
	if !ok {
		return TokenStatusList{}, fmt.Errorf("list %d: %w", list, ErrNoList)
	}
	issued := i.Cache().Status.IssuedAt()
	l, err := set.TokenList("https://"+o.config.Host+TokenStatusPath+strconv.FormatUint(uint64(list), 10), issued)
	if err != nil {
		return TokenStatusList{}, fmt.Errorf("list %d: %w", list, err)
	}
	l.Expires, l.TTL = issued.Add(tokenLife), tokenFresh
	t := TokenStatusList{IssuedAt: issued, Fresh: tokenFresh}
	if t.JWT, err = keys.current.JWT(rand.Reader, l); err != nil {
		return TokenStatusList{}, fmt.Errorf("list %d: %w", list, err)
	}
	if t.CWT, err = keys.current.CWT(rand.Reader, l); err != nil {
		return TokenStatusList{}, fmt.Errorf("list %d: %w", list, err)
	}
	return t, nil
}

var tokenName = regexp.MustCompile(`^([1-9][0-9]*\.(jwt|cwt)|jwks\.json)$`)

// ExportTokenStatus publishes and writes every list as N.jwt and N.cwt, and the keys, into a
// folder, which is made if it is not there. One that holds other things is refused.
func (o *Office) ExportTokenStatus(ctx context.Context, actor string, to durable.Files, dir string) error {
	if err := checkTokenFolder(to, dir); err != nil {
		return err
	}
	keys, err := o.TokenKeys(ctx)
	if err != nil {
		return err
	}
	if _, err := o.Publish(ctx, actor); err != nil {
		return err
	}
	inspector, err := o.Inspector(ctx, second.Opinion{})
	if err != nil {
		return err
	}
	if err := to.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("exporting status list tokens: %w", err)
	}
	written := map[string]bool{TokenStatusKeys: true}
	write := func(name string, content []byte) error {
		written[name] = true
		if err := to.WriteFrom(filepath.Join(dir, name), bytes.NewReader(content), 0o644); err != nil {
			return fmt.Errorf("exporting status list tokens: %w", err)
		}
		return nil
	}
	set, err := keys.JWKS()
	if err != nil {
		return err
	}
	if err := write(TokenStatusKeys, set); err != nil {
		return err
	}
	for _, list := range inspector.StatusLists() {
		token, err := o.TokenStatusList(inspector, keys, list)
		if err != nil {
			return err
		}
		name := strconv.FormatUint(uint64(list), 10)
		if err := errors.Join(write(name+".jwt", token.JWT), write(name+".cwt", token.CWT)); err != nil {
			return err
		}
	}
	return removeTokens(to, dir, written)
}

func checkTokenFolder(files durable.Files, dir string) error {
	entries, err := files.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("exporting status list tokens: %w", err)
	}
	for _, e := range entries {
		if !tokenName.MatchString(e.Name()) {
			return fmt.Errorf("exporting status list tokens: %s holds %q, which is none: give a folder of its own", dir, e.Name())
		}
	}
	return nil
}

// removeTokens removes lists that are there no more.
func removeTokens(files durable.Files, dir string, written map[string]bool) error {
	entries, err := files.ReadDir(dir)
	for _, e := range entries {
		if !written[e.Name()] && tokenName.MatchString(e.Name()) {
			err = errors.Join(err, files.Remove(filepath.Join(dir, e.Name())))
		}
	}
	if err != nil {
		return fmt.Errorf("removing old status list tokens: %w", err)
	}
	return nil
}
