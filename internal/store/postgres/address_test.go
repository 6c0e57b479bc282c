package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/store/kv"
)

// TestPasswordsStayHidden: whatever is wrong with an address or behind it, the error has
// nothing of the password.
func TestPasswordsStayHidden(t *testing.T) {
	t.Parallel()
	const secret = "s3cret"
	for _, address := range []string{
		"postgres://user:s3cret@127.0.0.1:1/db",
		"postgres://user:s3cret@127.0.0.1:1,127.0.0.1:2/db?sslmode=disable",
		"postgres://user:s3cret/x@127.0.0.1/db",
		"postgres://user:s3cret@host:port/db",
		"postgres://user:s3cret@127.0.0.1/db?sslmode=s3cret",
		"postgres://user:%zzs3cret@127.0.0.1/db",
		"postgres://127.0.0.1/db?password=s3cret&sslmode=x",
		"postgres://127.0.0.1:1/db?password=s3cret",
		"postgres://user:s3cret@127.0.0.1/db?pool_max_conns=0",
		"mysql://user:s3cret@127.0.0.1/db",
		"user=user password=s3cret",
		"s3cret",
	} {
		_, err := Open(context.Background(), address, kv.Schema{}, Options{Patience: time.Millisecond})
		if err == nil {
			t.Errorf("%s opens", address)
			continue
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error of %s has the password: %v", address, err)
		}
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	config, connections, err := parseAddress("postgresql://u:p@h1:5001,h2,h3:5003/name?sslmode=disable&statement_timeout=1s&synchronous_commit=off&pool_max_conns=7")
	if err != nil {
		t.Fatal(err)
	}
	if connections != 7 || config.Host != "h1" || config.Port != 5001 || len(config.Fallbacks) != 2 || config.Fallbacks[1].Port != 5003 {
		t.Errorf("%d connections to %s:%d and %d more", connections, config.Host, config.Port, len(config.Fallbacks))
	}
	if config.ValidateConnect == nil {
		t.Error("a copy would be taken for the primary")
	}
	for name, want := range map[string]string{"statement_timeout": "0", "lock_timeout": "0", "synchronous_commit": "on", connectionsParameter: ""} {
		if got := config.RuntimeParams[name]; got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	config, connections, err = parseAddress("postgres:///name?synchronous_commit=remote_apply")
	if err != nil || connections != defaultConnections || config.RuntimeParams["synchronous_commit"] != "remote_apply" {
		t.Errorf("%d connections, synchronous_commit %q, %v", connections, config.RuntimeParams["synchronous_commit"], err)
	}
	for _, address := range []string{"", "postgres", "postgres:/x", "/var/lib/x.db", "https://h/x"} {
		if _, _, err := parseAddress(address); !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %v", address, err)
		}
	}
}
