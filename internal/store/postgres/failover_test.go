package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pgtest"
	"github.com/elicence/elicence/internal/store/kv"
)

// rounds is how often a primary is killed: more under ELICENCE_LONG=1.
func rounds() int {
	if os.Getenv("ELICENCE_LONG") != "" {
		return 12
	}
	return 2
}

// ledger is what was acknowledged to somebody.
type ledger struct {
	mu   sync.Mutex
	keys map[string]bool // guarded by mu
	last time.Time       // of the last acknowledgement; guarded by mu
}

func (l *ledger) add(keys ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys == nil {
		l.keys = make(map[string]bool)
	}
	for _, key := range keys {
		l.keys[key] = true
	}
	l.last = time.Now()
}

// next waits for the first acknowledgement that is later than a moment, and returns how
// much later.
func (l *ledger) next(t *testing.T, than time.Time) time.Duration {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		l.mu.Lock()
		last := l.last
		l.mu.Unlock()
		if last.After(than) {
			return last.Sub(than)
		}
	}
	t.Fatal("nothing was acknowledged in the minute after a primary was killed")
	return 0
}

// judge compares what was acknowledged with what is there. Who does not keep everything
// must have lost something, or the test proves nothing.
func (l *ledger) judge(t *testing.T, who string, there map[string]bool, keeps bool) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	lost := 0
	for key := range l.keys {
		if !there[key] {
			lost++
		}
	}
	t.Logf("%s: %d acknowledged, %d lost", who, len(l.keys), lost)
	switch {
	case keeps && lost > 0:
		t.Errorf("%s: %d of %d acknowledged are lost", who, lost, len(l.keys))
	case !keeps && lost == 0:
		t.Errorf("%s: nothing of %d is lost, so this test proves nothing", who, len(l.keys))
	}
}

// Writers of a fail-over test, and how long each waits for an answer.
const (
	failoverWriters = 6
	clientPatience  = 500 * time.Millisecond
	stall           = 1500 * time.Millisecond
)

// TestFailover kills primaries under load. What the engine has acknowledged is there
// afterwards; and the same run shows that it need not be: who acknowledges what a View
// shows loses, and so does a client that repeats an INSERT … ON CONFLICT DO NOTHING when
// its time is over.
func TestFailover(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartCluster(t, pgtest.Quorum)
	cluster.Primary().Exec("CREATE DATABASE store", "CREATE TABLE naive (k text PRIMARY KEY)")
	e := newEngine(t, cluster.Address("store"), Options{})
	naive, err := sql.Open("pgx", cluster.Address("postgres")+"&target_session_attrs=read-write")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = naive.Close() })

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var stored, confirmed, sighted, repeated ledger
	var group sync.WaitGroup
	for w := range failoverWriters {
		group.Go(func() { writeOn(ctx, e, w, &stored) })
		group.Go(func() { writeNaively(ctx, naive, w, &repeated) })
	}
	for round := range rounds() {
		time.Sleep(time.Second)
		cluster.Swallow()
		// A node that will not come back to see what became of its act.
		group.Go(func() { writeAndDie(ctx, e, round) })
		time.Sleep(stall / 2)
		// Nobody waits for the copies any more, and the server shows what none of them has.
		cancelWaiting(t, cluster.Primary())
		time.Sleep(stall / 4)
		sighted.add(keysOf(t, e.View)...)
		confirming := make(chan []string, 1)
		go func() { confirming <- keysOf(t, e.Confirm) }()
		time.Sleep(stall / 4)
		killed := time.Now()
		failed := cluster.Fail()
		confirmed.add(<-confirming...)
		t.Logf("round %d: the first write came %s after the kill", round+1, stored.next(t, killed).Round(time.Millisecond))
		cluster.Rejoin(failed)
	}
	time.Sleep(time.Second)
	stop()
	group.Wait()

	there, naively := toSet(keysOf(t, e.Confirm)), toSet(naiveKeys(t, naive))
	for _, l := range []struct {
		who string
		*ledger
		there map[string]bool
		keeps bool
	}{
		{"the engine's Updates", &stored, there, true},
		{"the engine's Confirms", &confirmed, there, true},
		{"who acknowledges what a View shows", &sighted, there, false},
		{"a naive retry", &repeated, naively, false},
	} {
		l.judge(t, l.who, l.there, l.keeps)
	}
}

// TestFailoverLoses is the control of TestFailover: where the primary waits for no copy,
// the same engine loses.
func TestFailoverLoses(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartCluster(t, "")
	cluster.Primary().Exec("CREATE DATABASE store")
	e := newEngine(t, cluster.Address("store"), Options{})
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var stored ledger
	var group sync.WaitGroup
	for w := range failoverWriters {
		group.Go(func() { writeOn(ctx, e, w, &stored) })
	}
	time.Sleep(time.Second)
	cluster.Swallow()
	time.Sleep(stall)
	killed := time.Now()
	cluster.Fail()
	stored.next(t, killed)
	stop()
	group.Wait()
	stored.judge(t, "copies that nobody waits for", toSet(keysOf(t, e.View)), false)
}

// writeOn stores new keys until the context ends, each as often as it takes. A caller
// whose time is over asks again, as the issuer of a licence does.
func writeOn(ctx context.Context, e *Engine, writer int, acknowledged *ledger) {
	for i := 0; ctx.Err() == nil; i++ {
		key := fmt.Sprintf("%d-%d", writer, i)
		for ctx.Err() == nil {
			limited, cancel := context.WithTimeout(ctx, clientPatience)
			err := e.Update(limited, func(tx kv.Tx) error {
				if tx.Table("things").Get([]byte(key)) != nil {
					return nil
				}
				return tx.Table("things").Put([]byte(key), []byte("1"))
			})
			cancel()
			if err == nil {
				acknowledged.add(key)
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// writeNaively is how a client with an idempotency key is often written.
func writeNaively(ctx context.Context, db *sql.DB, writer int, acknowledged *ledger) {
	for i := 0; ctx.Err() == nil; i++ {
		key := fmt.Sprintf("%d-%d", writer, i)
		for ctx.Err() == nil {
			limited, cancel := context.WithTimeout(ctx, clientPatience)
			_, err := db.ExecContext(limited, "INSERT INTO naive (k) VALUES ($1) ON CONFLICT DO NOTHING", key)
			cancel()
			if err == nil {
				acknowledged.add(key)
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// writeAndDie stores a key as an engine does, and does not ask what became of it.
func writeAndDie(ctx context.Context, e *Engine, round int) {
	key := fmt.Appendf(nil, "dead-%d", round)
	_, _ = e.writes.ExecContext(ctx, e.layout.tables["things"].putText(1), append(e.layout.tables["things"].keyArgs(key), []byte("1"))...)
}

// cancelWaiting cancels whatever waits for copies on a server.
func cancelWaiting(t *testing.T, server *pgtest.Server) {
	t.Helper()
	var n int
	if err := server.Ask("postgres", "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'", &n); err != nil {
		t.Fatal(err)
	}
}

// keysOf returns the keys that a transaction shows.
func keysOf(t *testing.T, read func(context.Context, func(kv.Tx) error) error) []string {
	t.Helper()
	var keys []string
	err := read(context.Background(), func(tx kv.Tx) error {
		keys = nil
		for key := range tx.Table("things").Range(nil, nil) {
			keys = append(keys, string(key))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return keys
}

func naiveKeys(t *testing.T, db *sql.DB) []string {
	t.Helper()
	rows, err := db.Query("SELECT k FROM naive")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var keys []string
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return keys
}

func toSet(keys []string) map[string]bool {
	set := make(map[string]bool, len(keys))
	for _, key := range keys {
		set[key] = true
	}
	return set
}
