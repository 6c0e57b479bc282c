package office

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/status"
)

// Status lists for third parties: the IETF Token Status List, signed with ES256, beside
// which they need none of our algorithms.
const (
	// TokenStatusPath is where the service has them: TokenStatusPath + list number.
	TokenStatusPath = "/token-status/"
	// TokenStatusKeys is the name of the JWK Set beside them.
	TokenStatusKeys = "jwks.json"

	tokenKeySecret = "token-status-es256"
	tokenLife      = 72 * time.Hour // as old as status data may be for most categories
	tokenFresh     = 15 * time.Minute
)

// ErrNoList says that the published status has no such list.
var ErrNoList = errors.New("no such status list")

// TokenStatusList is one published list in both formats.
type TokenStatusList struct {
	JWT, CWT []byte
	IssuedAt time.Time
	Fresh    time.Duration // after which a newer one can be expected
}

// TokenStatusKey returns the key of the tokens, and makes it when it is not there yet. It
// is derived from a secret of the key store, so that what lies on the disk is a key file
// like all others. A store of national algorithms only has none: [keystore.ErrNational].
func (o *Office) TokenStatusKey() (*status.TokenKey, error) {
	if o.keys.GMOnly() {
		return nil, fmt.Errorf("status list tokens are signed with ES256: %w", keystore.ErrNational)
	}
	o.presenting.Lock()
	defer o.presenting.Unlock()
	secret, err := o.keys.Secret(keystore.PurposeService, tokenKeySecret)
	if errors.Is(err, keystore.ErrNoKey) {
		secret, err = o.keys.GenerateSecret(keystore.PurposeService, tokenKeySecret)
	}
	if err != nil {
		return nil, fmt.Errorf("key of the status list tokens: %w", err)
	}
	for try := range byte(255) { // one number in 2^32 is no scalar of P-256
		scalar := secret.MAC([]byte("elicence/token-status/es256/1"), []byte{try})
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:]); err == nil {
			return status.NewTokenKey(key)
		}
	}
	return nil, errors.New("key of the status list tokens: no scalar was found")
}

// StatusLists returns the numbers of the published lists, ascending.
func (i *Inspector) StatusLists() []uint32 {
	var lists []uint32
	for _, l := range i.cache.Status.Lists {
		lists = append(lists, uint32(l.List))
	}
	return lists
}

// TokenStatusList signs one of the lists that an inspector looks into. The error wraps
// [ErrNoList] if there is none of the number.
func (o *Office) TokenStatusList(i *Inspector, key *status.TokenKey, list uint32) (TokenStatusList, error) {
	set, ok := i.cache.Set(list)
	if !ok {
		return TokenStatusList{}, fmt.Errorf("list %d: %w", list, ErrNoList)
	}
	issued := i.cache.Status.IssuedAt()
	l, err := set.TokenList("https://"+o.config.Host+TokenStatusPath+strconv.FormatUint(uint64(list), 10), issued)
	if err != nil {
		return TokenStatusList{}, fmt.Errorf("list %d: %w", list, err)
	}
	l.Expires, l.TTL = issued.Add(tokenLife), tokenFresh
	t := TokenStatusList{IssuedAt: issued, Fresh: tokenFresh}
	if t.JWT, err = key.JWT(rand.Reader, l); err != nil {
		return TokenStatusList{}, fmt.Errorf("list %d: %w", list, err)
	}
	if t.CWT, err = key.CWT(rand.Reader, l); err != nil {
		return TokenStatusList{}, fmt.Errorf("list %d: %w", list, err)
	}
	return t, nil
}

var tokenName = regexp.MustCompile(`^([1-9][0-9]*\.(jwt|cwt)|jwks\.json)$`)

// ExportTokenStatus publishes and writes every list as N.jwt and N.cwt, and the key, into a
// folder, which is made if it is not there. One that holds other things is refused.
func (o *Office) ExportTokenStatus(ctx context.Context, actor string, to durable.Files, dir string) error {
	if err := checkTokenFolder(to, dir); err != nil {
		return err
	}
	key, err := o.TokenStatusKey()
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
	keys, err := key.JWKS()
	if err != nil {
		return err
	}
	if err := write(TokenStatusKeys, keys); err != nil {
		return err
	}
	for _, list := range inspector.StatusLists() {
		token, err := o.TokenStatusList(inspector, key, list)
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
