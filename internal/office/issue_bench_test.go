package office_test

import (
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/pgtest"
	"github.com/elicence/elicence/licence"
)

// BenchmarkIssue issues licences one by one from 256 callers at once, on a file. The floor is
// 5,000 a second.
func BenchmarkIssue(b *testing.B) { issueOneByOne(b, officetest.New(b)) }

// BenchmarkIssueOnPostgres does the same on three servers with quorum commit. The floor is
// 1,000 a second.
func BenchmarkIssueOnPostgres(b *testing.B) {
	cluster := pgtest.StartCluster(b, pgtest.Quorum)
	cluster.Primary().Exec("CREATE DATABASE store")
	issueOneByOne(b, officetest.On(b, cluster.Address("store")))
}

func issueOneByOne(b *testing.B, f *officetest.Fixture) {
	b.Helper()
	var applications []*licence.Application
	category, _ := f.Company(b)
	for range b.N {
		_, a := f.Company(b)
		applications = append(applications, a)
	}
	var next atomic.Int64
	var group errgroup.Group
	began := time.Now()
	b.ResetTimer()
	for range 256 {
		group.Go(func() error {
			for {
				n := int(next.Add(1)) - 1
				if n >= len(applications) {
					return nil
				}
				if _, err := f.Office.Issue(ctx, "test", category.ID, applications[n], office.IssueOptions{}); err != nil {
					return err
				}
			}
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "licences/s")
}
