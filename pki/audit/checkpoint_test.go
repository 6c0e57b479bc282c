package audit_test

import (
	"testing"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki/audit"
)

func TestCheckpoint(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	c := audit.Checkpoint{Origin: "安徽省(测试)", Size: 7, Root: make([]byte, 32), Time: 1700000000}
	signed, err := c.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	got, err := audit.OpenCheckpoint(signed, key.Public())
	if err != nil || got.Origin != c.Origin || got.Size != c.Size || got.Time != c.Time {
		t.Errorf("OpenCheckpoint = %+v, %v, want %+v", got, err, c)
	}
	if _, err := audit.OpenCheckpoint(signed, pkitest.NewKey(t).Public()); err == nil {
		t.Error("another key's checkpoint is accepted")
	}
	signed[len(signed)-1] ^= 1
	if _, err := audit.OpenCheckpoint(signed, key.Public()); err == nil {
		t.Error("a changed checkpoint is accepted")
	}
}
