package postgres

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pgtest"
)

// TestPatroni: when the leader dies the service goes on by itself with the next one, and
// nothing acknowledged is lost. It takes the twenty seconds that Patroni waits for a
// silent leader, so it runs under ELICENCE_LONG=1 only.
func TestPatroni(t *testing.T) {
	if os.Getenv("ELICENCE_LONG") == "" {
		t.Skip("takes minutes: ELICENCE_LONG=1 runs it")
	}
	t.Parallel()
	cluster := pgtest.StartPatroni(t)
	cluster.Exec("CREATE DATABASE store")
	e := newEngine(t, cluster.Address("store"), Options{})
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var stored ledger
	var group sync.WaitGroup
	for w := range failoverWriters {
		group.Go(func() { writeOn(ctx, e, w, &stored) })
	}
	for round := range 3 {
		time.Sleep(2 * time.Second)
		rejoin := cluster.KillLeader()
		time.Sleep(100 * time.Millisecond) // what was answered before is told by now
		killed := time.Now()
		t.Logf("round %d: the first write came %s after the kill", round+1, stored.next(t, killed).Round(10*time.Millisecond))
		rejoin()
	}
	stop()
	group.Wait()
	stored.judge(t, "under Patroni", toSet(keysOf(t, e.Confirm)), true)
}
