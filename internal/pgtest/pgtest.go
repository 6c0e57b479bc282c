// Package pgtest starts PostgreSQL servers for tests: one, or a primary with copies that
// can be cut off, killed and put in its place.
//
// A server has a data folder of its own, listens on loopback only and dies with the test.
// It refuses to run as root, so where the tests do, it runs as the user postgres or nobody.
package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	// The driver of database/sql.
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/elicence/elicence/internal/tooltest"
)

// Server is a running server.
type Server struct {
	tb      testing.TB
	name    string
	bin     string // folder of the programs
	dir     string // of the data
	port    int
	process *process
	made    atomic.Int64 // databases
}

// Settings that every server has, behind the ones of its test.
func baseSettings() []string {
	return []string{
		"listen_addresses='127.0.0.1'", "unix_socket_directories=''", "max_connections=200", "shared_buffers='64MB'",
		"wal_level=replica", "max_wal_senders=10", "hot_standby=on", "wal_log_hints=on", "wal_keep_size='512MB'",
		"wal_retrieve_retry_interval='500ms'", "log_min_messages=warning",
	}
}

// Start starts a server with an empty database, and with lines of settings of its own.
// Where PostgreSQL is not installed the test is skipped, or fails under CI=true.
func Start(tb testing.TB, settings ...string) *Server {
	tb.Helper()
	s := newServer(tb, "n1")
	s.run("initdb", "-D", s.dir, "-U", "postgres", "-A", "trust", "--data-checksums", "-E", "UTF8", "--locale=C", "--no-sync")
	s.configure(append(baseSettings(), settings...)...)
	s.start()
	return s
}

func newServer(tb testing.TB, name string) *Server {
	tb.Helper()
	s := &Server{tb: tb, name: name, bin: programs(tb), port: freePort(tb)}
	// Not below tb.TempDir: its folders are closed to other users.
	top, err := os.MkdirTemp("", "pgtest-")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(top); err != nil {
			tb.Error(err)
		}
	})
	if c := credential(tb); c != nil {
		if err := os.Chown(top, int(c.Uid), int(c.Gid)); err != nil {
			tb.Fatal(err)
		}
	}
	s.dir = filepath.Join(top, "data")
	return s
}

// programs is the folder of initdb and postgres, which Debian keeps out of the search path.
func programs(tb testing.TB) string {
	tb.Helper()
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(folders, func(a, b string) int { return version(b) - version(a) })
	for _, dir := range folders {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir
		}
	}
	return filepath.Dir(tooltest.Need(tb, "initdb"))
}

// version is the number in the name of a folder of Debian's, 0 if it has none.
func version(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}

func freePort(tb testing.TB) int {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }() // a listener nobody used
	return l.Addr().(*net.TCPAddr).Port
}

// credential is who runs the servers: nil where it is who runs the tests.
func credential(tb testing.TB) *syscall.Credential {
	tb.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	tb.Fatal("there is neither a user postgres nor a user nobody to run the server as")
	return nil
}

// command is one of PostgreSQL's programs.
func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, program), args...)
	cmd.Dir = filepath.Dir(s.dir)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "HOME="+cmd.Dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential(s.tb)}
	return cmd
}

// run runs a program to its end.
func (s *Server) run(program string, args ...string) {
	s.tb.Helper()
	if out, err := s.command(program, args...).CombinedOutput(); err != nil {
		s.tb.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
}

// configure adds lines to the settings; a later line stands before an earlier one.
func (s *Server) configure(lines ...string) {
	s.tb.Helper()
	f, err := os.OpenFile(filepath.Join(s.dir, "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		s.tb.Fatal(err)
	}
}

// startWait bounds the start of a server.
const startWait = time.Minute

// start starts the process and waits until it answers.
func (s *Server) start() {
	s.tb.Helper()
	cmd := s.command("postgres", "-D", s.dir, "-p", strconv.Itoa(s.port))
	s.process = launch(s.tb, cmd, filepath.Join(filepath.Dir(s.dir), "log"), syscall.SIGQUIT)
	for deadline := time.Now().Add(startWait); ; time.Sleep(20 * time.Millisecond) {
		err := s.try("SELECT 1")
		if err == nil {
			return
		}
		select {
		case <-s.process.ended:
			s.fail("the server has ended")
		default:
		}
		if time.Now().After(deadline) {
			s.fail(err)
		}
	}
}

// fail ends the test with the server's log.
func (s *Server) fail(why any) {
	s.tb.Helper()
	log, _ := os.ReadFile(filepath.Join(filepath.Dir(s.dir), "log"))
	s.tb.Fatalf("server %s: %v\n%s", s.name, why, log)
}

// Address is the address of one of the server's databases, and of the others after it:
// whichever of them takes writes.
func (s *Server) Address(database string, others ...*Server) string {
	hosts := []string{fmt.Sprintf("127.0.0.1:%d", s.port)}
	for _, o := range others {
		hosts = append(hosts, fmt.Sprintf("127.0.0.1:%d", o.port))
	}
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable&connect_timeout=2", strings.Join(hosts, ","), database)
}

// Database makes an empty database and returns its address.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf("t%d", s.made.Add(1))
	if err := s.try("CREATE DATABASE " + name); err != nil {
		tb.Fatal(err)
	}
	return s.Address(name)
}

// Copy makes a database that is a copy of another, to which nobody is connected, and
// returns its address.
func (s *Server) Copy(tb testing.TB, address string) string {
	tb.Helper()
	name := fmt.Sprintf("t%d", s.made.Add(1))
	_, from, _ := strings.Cut(strings.TrimPrefix(address, "postgres://"), "/")
	from, _, _ = strings.Cut(from, "?")
	if err := s.try("CREATE DATABASE " + name + " TEMPLATE " + from); err != nil {
		tb.Fatal(err)
	}
	return s.Address(name)
}

// try runs statements in the database postgres.
func (s *Server) try(statements ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startWait)
	defer cancel()
	db, err := sql.Open("pgx", s.Address("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // connections of a test
	for _, text := range statements {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}

// Exec runs statements as the server's superuser.
func (s *Server) Exec(statements ...string) {
	s.tb.Helper()
	if err := s.try(statements...); err != nil {
		s.fail(err)
	}
}

// Ask runs a query for one value in a database.
func (s *Server) Ask(database, query string, into any) error {
	ctx, cancel := context.WithTimeout(context.Background(), startWait)
	defer cancel()
	db, err := sql.Open("pgx", s.Address(database))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // connections of a test
	return db.QueryRowContext(ctx, query).Scan(into)
}
