package main_test

import (
	"sync"
	"testing"

	"github.com/elicence/elicence/internal/pgtest"
	"github.com/elicence/elicence/internal/sample"
)

// TestPostgresScripts runs the scripts of a store in a database, each with an empty one.
func TestPostgresScripts(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	pictures, err := sample.Draw()
	if err != nil {
		t.Fatal(err)
	}
	runScripts(t, "../../testdata/script/postgres", pictures, nil, new(sync.Map), func() string { return server.Database(t) })
}
