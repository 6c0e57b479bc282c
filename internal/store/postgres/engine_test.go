package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pgtest"
	"github.com/elicence/elicence/internal/store/kv"
)

func TestEngine(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	for name, test := range map[string]func(*testing.T, *pgtest.Server){
		"many rows":                 testManyRows,
		"writers take turns":        testWritersTakeTurns,
		"a View is one moment":      testViewIsOneMoment,
		"what fails leaves nothing": testRefusal,
		"deadlines":                 testDeadlines,
		"a store is made once":      testMadeOnce,
		"versions":                  testVersions,
		"connections are cut":       testConnectionsAreCut,
		"waiting is cancelled":      testWaitingIsCancelled,
		"one after the other":       testOneAfterTheOther,
		"a panic":                   testPanic,
		"readers that read":         testFullPool,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, server)
		})
	}
}

// testManyRows writes and reads more rows than a statement and a page hold, and counts
// the trips.
func testManyRows(t *testing.T, server *pgtest.Server) {
	e := newEngine(t, server.Database(t), Options{})
	ctx := context.Background()
	const n = 3000
	key := func(i int) []byte { return binary.BigEndian.AppendUint64([]byte{byte(i % 7), byte(i)}, uint64(i)) }
	err := e.Update(ctx, func(tx kv.Tx) error {
		var keys [][]byte
		for i := range n {
			keys = append(keys, key(i))
		}
		tx.Table("things").Fetch(keys)
		for i := range n {
			err := errors.Join(
				tx.Table("things").Put(key(i), fmt.Appendf(nil, "value %d", i)),
				tx.Table("log.entries").Put(binary.BigEndian.AppendUint64(nil, uint64(i)), []byte{}),
				tx.Index("by-name").Add(bytes.Repeat([]byte{byte(i)}, 17), append(key(i), 0, 0, 0, 0)),
			)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = e.View(ctx, func(tx kv.Tx) error {
		count := 0
		var last []byte
		for k, v := range tx.Table("things").Range(nil, nil) {
			if bytes.Compare(last, k) >= 0 && last != nil {
				t.Fatalf("%x comes after %x", k, last)
			}
			i := int(binary.BigEndian.Uint64(k[2:]))
			if want := fmt.Sprintf("value %d", i); string(v) != want || !bytes.Equal(k, key(i)) {
				t.Fatalf("%x has the value %q, want %q", k, v, want)
			}
			// Another read while this one is under way.
			if i%500 == 0 && tx.Table("log.entries").Get(binary.BigEndian.AppendUint64(nil, uint64(i))) == nil {
				t.Fatalf("entry %d is missing", i)
			}
			last, count = k, count+1
		}
		if count != n {
			t.Errorf("%d rows, want %d", count, n)
		}
		refs := 0
		for range tx.Index("by-name").Find(bytes.Repeat([]byte{7}, 17)) {
			refs++
		}
		if want := (n - 8 + 255) / 256; refs != want {
			t.Errorf("%d references, want %d", refs, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// testWritersTakeTurns counts with several engines on one database at once.
func testWritersTakeTurns(t *testing.T, server *pgtest.Server) {
	address := server.Database(t)
	engines := []*Engine{newEngine(t, address, Options{})}
	for range 2 {
		e, err := open(context.Background(), address, testSchema(), stepsFor(testSchema()), Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.Close() })
		engines = append(engines, e)
	}
	const each = 25
	var group sync.WaitGroup
	for _, e := range engines {
		for range 2 {
			group.Go(func() {
				for range each {
					err := e.Update(context.Background(), func(tx kv.Tx) error {
						n := uint64(0)
						if v := tx.Table("things").Get([]byte("n")); v != nil {
							n = binary.BigEndian.Uint64(v)
						}
						return tx.Table("things").Put([]byte("n"), binary.BigEndian.AppendUint64(nil, n+1))
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	group.Wait()
	if got := counted(t, engines[0]); got != each*6 {
		t.Errorf("counted to %d, want %d", got, each*6)
	}
}

// counted is the number under the key n.
func counted(t *testing.T, e *Engine) uint64 {
	t.Helper()
	var n uint64
	err := e.View(context.Background(), func(tx kv.Tx) error {
		n = binary.BigEndian.Uint64(tx.Table("things").Get([]byte("n")))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func put(t *testing.T, e *Engine, key, value string) {
	t.Helper()
	err := e.Update(context.Background(), func(tx kv.Tx) error { return tx.Table("things").Put([]byte(key), []byte(value)) })
	if err != nil {
		t.Fatal(err)
	}
}

func testViewIsOneMoment(t *testing.T, server *pgtest.Server) {
	e := newEngine(t, server.Database(t), Options{})
	put(t, e, "a", "1")
	err := e.View(context.Background(), func(tx kv.Tx) error {
		if got := tx.Table("things").Get([]byte("a")); string(got) != "1" {
			t.Errorf("a = %q", got)
		}
		put(t, e, "b", "2")
		if got := tx.Table("things").Get([]byte("b")); got != nil {
			t.Errorf("a View sees what was written after it began: b = %q", got)
		}
		return tx.Table("things").Put([]byte("c"), nil)
	})
	if !errors.Is(err, errReadOnly) {
		t.Errorf("writing in a View: %v", err)
	}
}

func testRefusal(t *testing.T, server *pgtest.Server) {
	e := newEngine(t, server.Database(t), Options{})
	put(t, e, "a", "1")
	refused := errors.New("refused")
	err := e.Update(context.Background(), func(tx kv.Tx) error {
		if err := tx.Table("things").Put([]byte("a"), []byte("2")); err != nil {
			return err
		}
		return refused
	})
	if err != refused { //nolint:errorlint // as it is
		t.Errorf("the error is %v", err)
	}
	// A read that fails fails the transaction, whatever its function makes of it.
	ctx, cancel := context.WithCancel(context.Background())
	for name, run := range map[string]func(context.Context, func(kv.Tx) error) error{"View": e.View, "Update": e.Update} {
		err = run(ctx, func(tx kv.Tx) error {
			cancel()
			if got := tx.Table("things").Get([]byte("a")); got != nil {
				t.Errorf("%s: a = %q", name, got)
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a read that failed: %v", name, err)
		}
		ctx, cancel = context.WithCancel(context.Background())
	}
	cancel()
	err = e.View(context.Background(), func(tx kv.Tx) error {
		if got := tx.Table("things").Get([]byte("a")); string(got) != "1" {
			t.Errorf("a = %q", got)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// testDeadlines: a caller whose time is over before the COMMIT leaves nothing, one whose
// time is over during it has stored everything.
func testDeadlines(t *testing.T, server *pgtest.Server) {
	e := newEngine(t, server.Database(t), Options{})
	ctx, cancel := context.WithCancel(context.Background())
	err := e.Update(ctx, func(tx kv.Tx) error {
		err := tx.Table("things").Put([]byte("a"), []byte("1"))
		cancel()
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that has gone: %v", err)
	}
	put(t, e, "b", "1")
	err = e.View(context.Background(), func(tx kv.Tx) error {
		if got := tx.Table("things").Get([]byte("a")); got != nil {
			t.Errorf("a = %q", got)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func testMadeOnce(t *testing.T, server *pgtest.Server) {
	address := server.Database(t)
	ctx := context.Background()
	if _, err := open(ctx, address, testSchema(), stepsFor(testSchema()), Options{}); !errors.Is(err, ErrNoStore) {
		t.Errorf("opening an empty database: %v", err)
	}
	newEngine(t, address, Options{})
	if _, err := create(ctx, address, testSchema(), stepsFor(testSchema()), Options{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("making a store over another: %v", err)
	}
}

// testVersions: nodes that start at once bring the tables up to the new version once; a
// step that fails leaves nothing; a newer store and one that lacks a table are refused.
func testVersions(t *testing.T, server *pgtest.Server) {
	ctx := context.Background()
	address := server.Database(t)
	old, newer := testSchema(), testSchema()
	newer.Tables = append(newer.Tables, kv.TableSpec{Name: "later"})
	steps := func(second string) fs.FS {
		all := stepsFor(old).(fsMap)
		if second != "" {
			all["00002_later.sql"] = sqlFile("-- +goose Up\n" + second)
		}
		return all
	}
	e, err := create(ctx, address, old, steps(""), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	const table = "CREATE TABLE later (key bytea PRIMARY KEY, value bytea NOT NULL);\n"
	if _, err := open(ctx, address, newer, steps(table+"CREATE TABLE things (x int);\n"), Options{}); err == nil || !strings.Contains(err.Error(), "from version 1 to 2") {
		t.Errorf("a step that fails: %v", err)
	}
	if _, err := open(ctx, address, newer, steps(""), Options{}); err == nil || !strings.Contains(err.Error(), "the table later is missing") {
		t.Errorf("a table that is missing: %v", err)
	}
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			e, err := open(ctx, address, newer, steps(table), Options{})
			if err != nil {
				t.Errorf("the next version: %v", err)
				return
			}
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if _, err := open(ctx, address, old, steps(""), Options{}); err == nil || !strings.Contains(err.Error(), "version 2, this program knows version 1") {
		t.Errorf("a newer store: %v", err)
	}
}

// testConnectionsAreCut: connections that the server ends at any moment cost nothing that
// was acknowledged, and nothing is stored twice.
func testConnectionsAreCut(t *testing.T, server *pgtest.Server) {
	address := server.Database(t)
	e := newEngine(t, address, Options{})
	name := databaseOf(address)
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(40 * time.Millisecond):
				server.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "' AND pid <> pg_backend_pid()")
			}
		}
	})
	const n = 100
	for range n {
		err := e.Update(context.Background(), func(tx kv.Tx) error {
			count := uint64(0)
			if v := tx.Table("things").Get([]byte("n")); v != nil {
				count = binary.BigEndian.Uint64(v)
			}
			return tx.Table("things").Put([]byte("n"), binary.BigEndian.AppendUint64(nil, count+1))
		})
		if err != nil {
			t.Fatal(err)
		}
		err = e.Confirm(context.Background(), func(tx kv.Tx) error {
			tx.Table("things").Get([]byte("n"))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	group.Wait()
	if got := counted(t, e); got != n {
		t.Errorf("counted to %d, want %d", got, n)
	}
}

// testWaitingIsCancelled: a COMMIT that somebody stops waiting for its copies is not
// acknowledged until the copies have it.
func testWaitingIsCancelled(t *testing.T, _ *pgtest.Server) {
	// It waits for a copy that does not exist.
	server := pgtest.Start(t)
	e := newEngine(t, server.Database(t), Options{})
	short, err := open(context.Background(), server.Address("t1"), testSchema(), stepsFor(testSchema()), Options{Patience: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = short.Close() })
	server.Exec("ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")
	time.Sleep(200 * time.Millisecond)

	acknowledged := make(chan error, 1)
	go func() {
		acknowledged <- e.Update(context.Background(), func(tx kv.Tx) error {
			return tx.Table("things").Put([]byte("a"), []byte("1"))
		})
	}()
	cancelled := 0
	for deadline := time.Now().Add(10 * time.Second); cancelled < 3 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var n int
		err := server.Ask("postgres", "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'", &n)
		if err != nil {
			t.Fatal(err)
		}
		cancelled += n
		select {
		case err := <-acknowledged:
			t.Fatalf("acknowledged although no copy has it: %v", err)
		default:
		}
	}
	if cancelled < 3 {
		t.Fatalf("the server waited for its copy %d times, want 3", cancelled)
	}
	// Whoever has no patience learns that nobody knows.
	sees := func(e *Engine) error {
		return e.Confirm(context.Background(), func(tx kv.Tx) error {
			if got := tx.Table("things").Get([]byte("a")); string(got) != "1" {
				t.Errorf("a = %q", got)
			}
			return nil
		})
	}
	if err := sees(short); !errors.Is(err, kv.ErrUnknown) {
		t.Errorf("confirming what no copy has: %v", err)
	}
	server.Exec("ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()")
	if err := <-acknowledged; err != nil {
		t.Error(err)
	}
	if err := sees(e); err != nil {
		t.Error(err)
	}
}

func databaseOf(address string) string {
	_, name, _ := strings.Cut(strings.TrimPrefix(address, "postgres://"), "/")
	name, _, _ = strings.Cut(name, "?")
	return name
}

// testFullPool: readers that read while they read end with an error, not never.
func testFullPool(t *testing.T, server *pgtest.Server) {
	e := newEngine(t, server.Database(t)+"&pool_max_conns=1", Options{})
	e.connectionWait = 50 * time.Millisecond
	err := e.View(context.Background(), func(kv.Tx) error {
		return e.View(context.Background(), func(kv.Tx) error { return nil })
	})
	if !errors.Is(err, errNoneFree) {
		t.Errorf("the error is %v", err)
	}
}

// testOneAfterTheOther reads numbers in order, some of which are missing, and more of
// them than a transaction remembers.
func testOneAfterTheOther(t *testing.T, server *pgtest.Server) {
	e := newEngine(t, server.Database(t), Options{})
	const n = maxKnown + 5000
	key := func(i int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(i)) }
	there := func(i int) bool { return i%5 != 3 && i < n-1 }
	for from := 0; from < n; from += 4000 {
		err := e.Update(context.Background(), func(tx kv.Tx) error {
			var all error
			for i := from; i < min(from+4000, n); i++ {
				if there(i) {
					all = errors.Join(all, tx.Table("log.entries").Put(key(i), key(i)))
				}
			}
			return all
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	check := func(tx kv.Tx, i int, changed map[int]bool) {
		got := tx.Table("log.entries").Get(key(i))
		if want := there(i) || changed[i]; want != (got != nil) || want && !bytes.Equal(got, key(i)) {
			t.Fatalf("number %d is %x, there %t", i, got, want)
		}
	}
	err := e.View(context.Background(), func(tx kv.Tx) error {
		for i := range n + 3 {
			check(tx, i, nil)
			if i%1000 == 0 {
				check(tx, i/2, nil)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	refused := errors.New("refused")
	err = e.Update(context.Background(), func(tx kv.Tx) error {
		changed := make(map[int]bool)
		for i := range 2000 {
			check(tx, i, changed)
			if i%7 == 0 { // one behind, as read ahead as not there
				if err := tx.Table("log.entries").Put(key(i+1), key(i+1)); err != nil {
					return err
				}
				changed[i+1] = true
			}
		}
		return refused
	})
	if err != refused { //nolint:errorlint // as it is
		t.Error(err)
	}
}

// testPanic: whoever panics in a transaction does not keep the writer's lock.
func testPanic(t *testing.T, server *pgtest.Server) {
	e := newEngine(t, server.Database(t), Options{})
	for name, run := range map[string]func(context.Context, func(kv.Tx) error) error{"View": e.View, "Update": e.Update, "Confirm": e.Confirm} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s swallows a panic", name)
				}
			}()
			_ = run(context.Background(), func(tx kv.Tx) error {
				tx.Table("none")
				return nil
			})
		}()
	}
	put(t, e, "a", "1")
}
