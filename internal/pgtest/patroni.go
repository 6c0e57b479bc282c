package pgtest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/tooltest"
)

// Patroni is three servers that Patroni manages, with etcd as the place where it keeps
// who leads. A transaction waits for one copy, and there is no leader without one
// (synchronous_mode_strict).
type Patroni struct {
	tb    testing.TB
	etcd  int // port for clients
	nodes []*patroniNode
}

type patroniNode struct {
	*Server
	rest    int // port of Patroni's own interface
	patroni *process
}

// StartPatroni starts etcd and three nodes, and waits until two of them follow the third.
// Where Patroni or etcd is not installed the test is skipped, or fails under CI=true.
func StartPatroni(tb testing.TB) *Patroni {
	tb.Helper()
	etcd, patroni := tooltest.Need(tb, "etcd"), tooltest.Need(tb, "patroni")
	p := &Patroni{tb: tb, etcd: freePort(tb)}
	peers := freePort(tb)
	keeper := newServer(tb, "etcd") // for its folder and its user
	client, peer := fmt.Sprintf("http://127.0.0.1:%d", p.etcd), fmt.Sprintf("http://127.0.0.1:%d", peers)
	cmd := keeper.command("", "")
	cmd.Path, cmd.Args = etcd, []string{
		etcd, "--data-dir", keeper.dir, "--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default=" + peer,
	}
	launch(tb, cmd, filepath.Join(filepath.Dir(keeper.dir), "log"), syscall.SIGKILL)
	for i := 1; i <= 3; i++ {
		n := &patroniNode{Server: newServer(tb, fmt.Sprintf("n%d", i)), rest: freePort(tb)}
		p.nodes = append(p.nodes, n)
		p.configure(n)
		p.start(n, patroni)
	}
	p.await("two nodes follow the third", func() bool {
		leader := p.leader()
		var n int
		return leader != nil && leader.Ask("postgres", "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'", &n) == nil && n == 2
	})
	return p
}

// configure writes a node's settings. Twenty seconds are the least that Patroni lets a
// leader be silent.
func (p *Patroni) configure(n *patroniNode) {
	p.tb.Helper()
	top := filepath.Dir(n.dir)
	settings := []string{}
	for _, line := range baseSettings() {
		name, value, _ := strings.Cut(line, "=")
		if name != "listen_addresses" {
			settings = append(settings, fmt.Sprintf("%s: %s", name, value))
		}
	}
	text := fmt.Sprintf(`scope: elicence
name: %s
restapi: {listen: "127.0.0.1:%d", connect_address: "127.0.0.1:%d"}
etcd3: {hosts: "127.0.0.1:%d"}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 2
    retry_timeout: 5
    synchronous_mode: true
    synchronous_mode_strict: true
    postgresql: {use_pg_rewind: true}
  initdb: [{encoding: UTF8}, {locale: C}, data-checksums]
  pg_hba: ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
postgresql:
  listen: "127.0.0.1:%d"
  connect_address: "127.0.0.1:%d"
  data_dir: %s
  bin_dir: %s
  pgpass: %s
  authentication:
    superuser: {username: postgres}
    replication: {username: postgres}
    rewind: {username: postgres}
  parameters: {%s}
`, n.name, n.rest, n.rest, p.etcd, n.port, n.port, n.dir, n.bin, filepath.Join(top, "pgpass"), strings.Join(settings, ", "))
	if err := os.WriteFile(filepath.Join(top, "patroni.yml"), []byte(text), 0o644); err != nil {
		p.tb.Fatal(err)
	}
}

func (p *Patroni) start(n *patroniNode, program string) {
	p.tb.Helper()
	top := filepath.Dir(n.dir)
	cmd := n.command("", "")
	cmd.Path, cmd.Args = program, []string{program, filepath.Join(top, "patroni.yml")}
	// It stops its server when it is told to end.
	n.patroni = launch(p.tb, cmd, filepath.Join(top, "log"), syscall.SIGTERM)
}

// leader is the node that takes writes and holds the lock, nil while there is none.
func (p *Patroni) leader() *patroniNode {
	for _, n := range p.nodes {
		client := http.Client{Timeout: 2 * time.Second}
		response, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/primary", n.rest))
		if err != nil {
			continue
		}
		_ = response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return n
		}
	}
	return nil
}

// patroniWait bounds whatever Patroni does.
const patroniWait = 2 * time.Minute

func (p *Patroni) await(what string, done func() bool) {
	p.tb.Helper()
	for deadline := time.Now().Add(patroniWait); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if done() {
			return
		}
	}
	for _, n := range p.nodes {
		log, _ := os.ReadFile(filepath.Join(filepath.Dir(n.dir), "log"))
		p.tb.Logf("%s:\n%s", n.name, log[max(0, len(log)-4000):])
	}
	p.tb.Fatalf("Patroni: it has not come to pass that %s", what)
}

// Address is the address of a database on whichever node leads.
func (p *Patroni) Address(database string) string {
	return p.nodes[0].Address(database, p.nodes[1].Server, p.nodes[2].Server)
}

// Exec runs statements on the leader.
func (p *Patroni) Exec(statements ...string) {
	p.tb.Helper()
	p.leader().Exec(statements...)
}

// KillLeader kills the leader: Patroni's program and the server with everything that
// belongs to it. What comes next is up to the other two. It returns what starts the node
// again and waits until it follows.
func (p *Patroni) KillLeader() (rejoin func()) {
	p.tb.Helper()
	n := p.leader()
	if n == nil {
		p.tb.Fatal("Patroni: there is no leader to kill")
	}
	b, err := os.ReadFile(filepath.Join(n.dir, "postmaster.pid"))
	if err != nil {
		p.tb.Fatal(err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	server, err := strconv.Atoi(first)
	if err != nil {
		p.tb.Fatal(err)
	}
	for _, pid := range slices.Concat([]int{n.patroni.cmd.Process.Pid}, children(server), []int{server}) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-n.patroni.ended
	return func() {
		p.start(n, tooltest.Need(p.tb, "patroni"))
		p.await(n.name+" follows the new leader", func() bool {
			leader := p.leader()
			var count int
			return leader != nil && leader != n && leader.Ask("postgres", "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'", &count) == nil && count == 2
		})
	}
}
