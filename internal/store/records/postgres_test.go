package records_test

import (
	"context"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/pgtest"
	"github.com/elicence/elicence/internal/store/postgres"
	"github.com/elicence/elicence/internal/store/records"
)

// onPostgres makes a store in an empty database.
func onPostgres(tb testing.TB, address string) *records.Store {
	tb.Helper()
	e, err := postgres.Create(context.Background(), address, records.Schema(), postgres.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	s, err := records.Create(context.Background(), e, newBox(tb))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// TestTripsOfAnIssue: a thousand licences in one act cost a server that is far away a few
// dozen statements, by its own count.
func TestTripsOfAnIssue(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, "shared_preload_libraries='pg_stat_statements'", "pg_stat_statements.track_utility='on'")
	server.Exec("CREATE EXTENSION pg_stat_statements")
	address := server.Database(t)
	s := onPostgres(t, address)
	g := newGenerator(t, s)
	issue := func(n int) int {
		t.Helper()
		batch := g.batch(n)
		server.Exec("SELECT pg_stat_statements_reset()")
		_, errs := s.IssueAll(context.Background(), batch)
		for i, err := range errs {
			if err != nil {
				t.Fatalf("licence %d: %v", i, err)
			}
		}
		var calls int
		err := server.Ask("postgres", "SELECT sum(calls) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = '"+databaseName(address)+"'", &calls)
		if err != nil {
			t.Fatal(err)
		}
		return calls
	}
	issue(10) // learns the signers
	one, many := issue(1), issue(1000)
	t.Logf("one licence: %d statements, a thousand: %d", one, many)
	if many > 60 {
		t.Errorf("a thousand licences cost %d statements, at most 60 are allowed", many)
	}
}

func databaseName(address string) string {
	_, name, _ := strings.Cut(strings.TrimPrefix(address, "postgres://"), "/")
	name, _, _ = strings.Cut(name, "?")
	return name
}

// BenchmarkIssueAllOnPostgres is BenchmarkIssueAll on three servers with quorum commit.
func BenchmarkIssueAllOnPostgres(b *testing.B) {
	cluster := pgtest.StartCluster(b, pgtest.Quorum)
	cluster.Primary().Exec("CREATE DATABASE store")
	s := onPostgres(b, cluster.Address("store"))
	g := newGenerator(b, s)
	size := func() float64 {
		var bytes float64
		if err := cluster.Primary().Ask("store", "SELECT pg_database_size('store')", &bytes); err != nil {
			b.Fatal(err)
		}
		return bytes
	}
	empty := size()
	b.ResetTimer()
	for done := 0; done < b.N; {
		n := min(issueBatch, b.N-done)
		b.StopTimer()
		batch := g.batch(n)
		b.StartTimer()
		_, errs := s.IssueAll(context.Background(), batch)
		for _, err := range errs {
			if err != nil {
				b.Fatal(err)
			}
		}
		done += n
	}
	b.StopTimer()
	b.ReportMetric((size()-empty)/float64(b.N), "bytes/licence")
}
