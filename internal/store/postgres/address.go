package postgres

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/elicence/elicence/internal/bilingual"
)

// isAddress reports whether an address of a store names a PostgreSQL server.
func isAddress(address string) bool {
	scheme, _, ok := strings.Cut(address, "://")
	return ok && (scheme == "postgres" || scheme == "postgresql")
}

// ErrAddress says that an address of a database cannot be used. The text never has a
// part of the address in it: there is no telling where in a mistyped one the password is.
var ErrAddress = bilingual.New("数据库地址写法不对", "must look like postgres://USER:PASSWORD@HOST1,HOST2,HOST3/NAME?sslmode=verify-full, special characters of the password as %XX")

// CheckAddress says what is wrong with an address; it connects to nothing.
func CheckAddress(address string) error {
	_, _, err := parseAddress(address)
	return err
}

// What an address may say besides what the driver knows, and what stands where it says
// nothing.
const (
	connectionsParameter = "pool_max_conns"
	defaultConnections   = 16
	maxConnections       = 1000
	connectTimeout       = 5 * time.Second
)

// A connection whose server no longer answers is given up after this: a COMMIT that waits
// for its answer has nothing else that would tell.
const (
	keepAliveIdle     = 5 * time.Second
	keepAliveInterval = 5 * time.Second
	keepAliveCount    = 3
)

// parseAddress reads an address, and returns how many connections it allows readers.
func parseAddress(address string) (*pgx.ConnConfig, int, error) {
	if !isAddress(address) {
		return nil, 0, ErrAddress
	}
	if _, err := url.Parse(address); err != nil {
		return nil, 0, ErrAddress
	}
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, 0, ErrAddress
	}
	connections := defaultConnections
	if text, ok := config.RuntimeParams[connectionsParameter]; ok {
		connections, err = strconv.Atoi(text)
		if err != nil || connections < 1 || connections > maxConnections {
			return nil, 0, fmt.Errorf("%s: must be a number from 1 to %d", connectionsParameter, maxConnections)
		}
		delete(config.RuntimeParams, connectionsParameter)
	}
	// Whoever names several servers wants the one that takes writes, and a server that
	// has become a copy must be left.
	config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	config.ConnectTimeout = cmp.Or(config.ConnectTimeout, connectTimeout)
	dialer := &net.Dialer{
		Timeout:         config.ConnectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount},
	}
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, addr)
	}
	settle(config.RuntimeParams)
	return config, connections, nil
}

// settle says what the service's sessions need, whatever the role's or the database's
// own settings are.
func settle(parameters map[string]string) {
	// A statement that runs too long is cut by its caller's context. A limit in the
	// server would cut the COMMIT as well.
	parameters["statement_timeout"] = "0"
	parameters["lock_timeout"] = "0"
	if parameters["synchronous_commit"] != "remote_apply" {
		parameters["synchronous_commit"] = "on"
	}
	// Every statement finds its rows by a key. A plan made while a table was empty must
	// not read all of it when it has grown.
	for _, name := range []string{"enable_seqscan", "enable_hashjoin", "enable_mergejoin"} {
		parameters[name] = "off"
	}
	parameters["jit"] = "off"
	if parameters["application_name"] == "" {
		parameters["application_name"] = "elicence"
	}
}
