package api

import (
	"bytes"
	"context"
	"sync"

	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/second"
)

// opinionsPerSecond bounds the work that forged signatures can make the service do.
const opinionsPerSecond = 50

// inspectors keeps an inspector over the trust files as they are published now.
type inspectors struct {
	office *office.Office
	second pki.SecondOpinion

	mu        sync.Mutex
	inspector *inspect.Inspector // guarded by mu
	time      []byte             // the time file it was made from; guarded by mu
}

func newInspectors(o *office.Office) *inspectors {
	return &inspectors{office: o, second: second.NewLimited(opinionsPerSecond)}
}

// current returns an inspector over the present trust files.
func (i *inspectors) current(ctx context.Context) (*inspect.Inspector, error) {
	now, err := i.office.TrustFile(ctx, "time")
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.inspector != nil && bytes.Equal(now, i.time) {
		return i.inspector, nil
	}
	made, err := i.office.Inspector(ctx, i.second)
	if err != nil {
		return nil, err
	}
	i.inspector, i.time = made, now
	return made, nil
}
