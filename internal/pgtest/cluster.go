package pgtest

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Cluster is a primary and its copies. Each copy follows the primary through a relay of
// ours.
type Cluster struct {
	tb      testing.TB
	all     []*Server
	relays  map[*Server]*relay
	primary *Server // owned by the test's goroutine
	quorum  string
}

// Quorum is a setting of synchronous_standby_names under which a COMMIT is answered when
// any one of the other two servers has it on its disk.
const Quorum = "ANY 1 (n1,n2,n3)"

// StartCluster starts three servers, the first as the primary. The quorum is the value
// of synchronous_standby_names; empty: the primary waits for no copy.
func StartCluster(tb testing.TB, quorum string) *Cluster {
	tb.Helper()
	c := &Cluster{tb: tb, relays: make(map[*Server]*relay), quorum: quorum}
	c.primary = Start(tb, "cluster_name='n1'")
	c.all = []*Server{c.primary}
	for i := 2; i <= 3; i++ {
		s := newServer(tb, fmt.Sprintf("n%d", i))
		c.all = append(c.all, s)
		c.follow(s)
	}
	c.relays[c.primary] = newRelay(tb)
	c.primary.Exec(fmt.Sprintf("ALTER SYSTEM SET synchronous_standby_names = '%s'", quorum), "SELECT pg_reload_conf()")
	return c
}

// follow makes a server a copy of the primary, from nothing.
func (c *Cluster) follow(s *Server) {
	c.tb.Helper()
	if err := os.RemoveAll(s.dir); err != nil {
		c.tb.Fatal(err)
	}
	s.run("pg_basebackup", "-h", "127.0.0.1", "-p", strconv.Itoa(c.primary.port), "-U", "postgres", "-D", s.dir, "-R", "-X", "stream", "-c", "fast", "--no-sync")
	if c.relays[s] == nil {
		c.relays[s] = newRelay(c.tb)
	}
	c.relays[s].lead(c.primary.port)
	s.configure(
		fmt.Sprintf("cluster_name='%s'", s.name), fmt.Sprintf("synchronous_standby_names='%s'", c.quorum),
		fmt.Sprintf("primary_conninfo='host=127.0.0.1 port=%d user=postgres application_name=%s'", c.relays[s].port(), s.name),
	)
	s.start()
}

// Primary is the server that takes writes.
func (c *Cluster) Primary() *Server { return c.primary }

// Address is the address of a database on whichever server takes writes.
func (c *Cluster) Address(database string) string { return c.all[0].Address(database, c.all[1:]...) }

// Swallow lets the copies get nothing more from now on, until the next Fail or Heal.
// What is sent to them is taken as if it arrived.
func (c *Cluster) Swallow() {
	for _, r := range c.relays {
		r.swallow()
	}
}

// Heal lets the copies follow the primary again.
func (c *Cluster) Heal() {
	for s, r := range c.relays {
		if s != c.primary {
			r.lead(c.primary.port)
			r.cut()
		}
	}
}

// Fail kills the primary with everything that belongs to it, so that nothing of it gets
// to its disk or onto the net, and puts the copy in its place that has the most. The
// server that was killed does not come back before [Cluster.Rejoin].
func (c *Cluster) Fail() (killed *Server) {
	c.tb.Helper()
	killed = c.primary
	killed.kill()
	for _, r := range c.relays {
		r.cut()
	}
	best, most := (*Server)(nil), int64(-1)
	for _, s := range c.all {
		if s == killed {
			continue
		}
		var has int64
		// What has been received and not yet applied counts: it will be.
		err := s.Ask("postgres", "SELECT pg_wal_lsn_diff(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0')::bigint", &has)
		if err != nil {
			s.fail(err)
		}
		if has > most {
			best, most = s, has
		}
	}
	best.Exec("SELECT pg_promote()")
	c.primary = best
	c.Heal()
	return killed
}

// Rejoin makes a killed server a copy of the primary.
func (c *Cluster) Rejoin(s *Server) {
	c.tb.Helper()
	c.follow(s)
}

// kill kills a server's processes.
func (s *Server) kill() {
	s.tb.Helper()
	server := s.process.cmd.Process.Pid
	pids := append(children(server), server)
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-s.process.ended
}

// children lists the processes that a process has started.
func children(parent int) []int {
	var all []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// pid (name) state parent …: the name may have anything in it.
		_, rest, _ := strings.Cut(string(b), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				all = append(all, pid)
			}
		}
	}
	return all
}

// relay carries the connection of a copy to its primary.
type relay struct {
	listener net.Listener

	mu         sync.Mutex
	to         int        // port; guarded by mu
	swallowing bool       // guarded by mu
	open       []net.Conn // guarded by mu
}

func newRelay(tb testing.TB) *relay {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	r := &relay{listener: l}
	tb.Cleanup(func() {
		_ = l.Close()
		r.cut()
	})
	go r.accept()
	return r
}

func (r *relay) port() int { return r.listener.Addr().(*net.TCPAddr).Port }

func (r *relay) accept() {
	for {
		from, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		to := r.to
		r.mu.Unlock()
		onward, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", to), time.Second)
		if err != nil {
			_ = from.Close()
			continue
		}
		r.mu.Lock()
		r.open = append(r.open, from, onward)
		r.mu.Unlock()
		go r.pump(from, onward)
		go r.pump(onward, from)
	}
}

// pump carries bytes one way.
func (r *relay) pump(to, from net.Conn) {
	defer func() { _ = to.Close() }()   // cut is as good
	defer func() { _ = from.Close() }() // as above
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		r.mu.Lock()
		swallowing := r.swallowing
		r.mu.Unlock()
		if swallowing {
			_, _ = io.Copy(io.Discard, from)
			return
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (r *relay) lead(port int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to, r.swallowing = port, false
}

func (r *relay) swallow() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.swallowing = true
}

// cut ends the connections; the copies make new ones.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.open {
		_ = c.Close()
	}
	r.open = nil
}
