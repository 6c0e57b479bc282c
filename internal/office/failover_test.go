package office_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/pgtest"
	"github.com/elicence/elicence/licence"
)

// TestFailoverWhileIssuing kills the primary under an office that issues: it goes on by
// itself, each licence that was acknowledged is there once, the same request again is
// answered with it, and the audit log is whole.
func TestFailoverWhileIssuing(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartCluster(t, pgtest.Quorum)
	cluster.Primary().Exec("CREATE DATABASE store")
	f := officetest.On(t, cluster.Address("store"))

	type answer struct {
		application *licence.Application
		id          licence.Identifier
	}
	var mu sync.Mutex
	answers := make(map[string]answer) // by request id
	var failed, last atomic.Int64
	stop := make(chan struct{})
	var group sync.WaitGroup
	for caller := range 8 {
		group.Go(func() {
			for n := 0; ; n++ {
				category, application := f.Company(t)
				request := fmt.Sprintf("%d-%d", caller, n)
				for {
					select {
					case <-stop:
						return
					default:
					}
					r, err := f.Office.Issue(ctx, "test", category.ID, application, office.IssueOptions{RequestID: request})
					if err == nil {
						mu.Lock()
						answers[request] = answer{application, r.Licence.Identifier}
						mu.Unlock()
						last.Store(time.Now().UnixNano())
						break
					}
					failed.Add(1)
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
	time.Sleep(2 * time.Second)
	cluster.Swallow()
	time.Sleep(time.Second)
	killed := time.Now()
	cluster.Fail()
	for last.Load() < killed.UnixNano() {
		if time.Since(killed) > time.Minute {
			t.Fatal("nothing was issued in the minute after the primary was killed")
		}
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(time.Second)
	close(stop)
	group.Wait()
	t.Logf("%d licences, %d calls failed and were repeated", len(answers), failed.Load())

	there, numbers, after := make(map[licence.Identifier]bool), make(map[string]bool), uint64(0)
	for {
		page, err := f.Office.Licences(ctx, "test", after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			if numbers[r.Licence.Number] {
				t.Errorf("there are two licences of number %s", r.Licence.Number)
			}
			there[r.Licence.Identifier], numbers[r.Licence.Number], after = true, true, r.Revision
		}
	}
	seen, repeated := make(map[licence.Identifier]bool), 0
	for request, a := range answers {
		if !there[a.id] {
			t.Errorf("the licence of request %s is lost", request)
		}
		if seen[a.id] {
			t.Errorf("%s was the answer to two requests", a.id)
		}
		seen[a.id] = true
		if repeated++; repeated > 40 {
			continue
		}
		category, _ := f.Office.Catalogue().Category(66)
		again, err := f.Office.Issue(ctx, "test", category.ID, a.application, office.IssueOptions{RequestID: request})
		if err != nil || again.Licence.Identifier != a.id {
			t.Errorf("request %s again: %v, want %s", request, err, a.id)
		}
	}
	if _, _, err := f.Office.AuditLog().Verify(ctx); err != nil {
		t.Error(err)
	}
}
