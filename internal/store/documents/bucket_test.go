package documents_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/store/documents"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/keystore"
)

// relay stands between us and the object store and spoils what it is told to.
type relay struct {
	*httptest.Server
	refuse, cut atomic.Int32 // how many answers are 500, or end in the middle
	delay       atomic.Int64 // of every answer
	keep        atomic.Bool  // nothing may be removed
}

func newRelay(t *testing.T, address string) *relay {
	t.Helper()
	target := &url.URL{Scheme: "http", Host: address}
	r := new(relay)
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(target)
		p.Out.Host = p.In.Host // it is signed
	}, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		select {
		case <-time.After(time.Duration(r.delay.Load())):
		case <-q.Context().Done():
			return
		}
		if r.refuse.Add(-1) >= 0 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		if q.Method == http.MethodDelete && r.keep.Load() {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>object lock</Message></Error>")
			return
		}
		if q.Method == http.MethodGet && r.cut.Add(-1) >= 0 {
			w = &half{w, 40}
		}
		proxy.ServeHTTP(w, q)
	}))
	t.Cleanup(r.Close)
	return r
}

// half lets only the beginning of a body through.
type half struct {
	http.ResponseWriter
	left int
}

func (h *half) Write(b []byte) (int, error) {
	n, err := h.ResponseWriter.Write(b[:min(len(b), h.left)])
	h.left -= n
	if err == nil && n < len(b) {
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// address is the relay's.
func (r *relay) address() string { return strings.TrimPrefix(r.URL, "http://") }

// TestBucket runs the store on a real S3 server.
func TestBucket(t *testing.T) {
	ctx := context.Background()
	keys := pkitest.KeyStore(t)
	r := newRelay(t, tooltest.Bucket(t, "documents"))
	at := tooltest.BucketURL("documents", r.address())
	s, err := documents.CreateBucket(ctx, at, keys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	put := func(t *testing.T, data []byte) [sm3.Size]byte {
		t.Helper()
		if err := s.Put(ctx, data); err != nil {
			t.Fatal(err)
		}
		return sm3.Sum(data)
	}
	want := func(t *testing.T, s *documents.Store, data []byte) {
		t.Helper()
		if got, err := s.Get(ctx, sm3.Sum(data)); err != nil || !bytes.Equal(got, data) {
			t.Errorf("Get: %d bytes, %v, want the %d that were put", len(got), err, len(data))
		}
	}
	t.Run("round trip", func(t *testing.T) {
		for _, data := range [][]byte{nil, []byte("证件照片"), bytes.Repeat([]byte{7}, documents.MaxSize)} {
			put(t, data)
			put(t, data)
			want(t, s, data)
		}
		if _, err := s.Get(ctx, sm3.Sum([]byte("never put"))); !errors.Is(err, documents.ErrNotFound) {
			t.Errorf("Get of what is not there: %v, want ErrNotFound", err)
		}
		n := 0
		for name, err := range s.Names(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Sealed(ctx, name); err != nil {
				t.Error(err)
			}
			n++
		}
		if n != 3 {
			t.Errorf("%d documents are listed, want 3", n)
		}
	})
	t.Run("taken over", func(t *testing.T) {
		data := []byte("of before in a bucket")
		putBefore(t, s, keys, data)
		want(t, s, data)
		r.keep.Store(true)
		taken, err := s.TakeOver(ctx)
		if want := (documents.TakenOver{Documents: 1, Kept: 1}); err != nil || taken != want {
			t.Errorf("the bucket does not let go: %+v, %v, want %+v", taken, err, want)
		}
		want(t, s, data)
		r.keep.Store(false)
		for i, want := range []documents.TakenOver{{Documents: 1}, {}} {
			if taken, err := s.TakeOver(ctx); err != nil || taken != want {
				t.Errorf("run %d: %+v, %v, want %+v", i, taken, err, want)
			}
		}
		want(t, s, data)
	})
	t.Run("many callers put the same", func(t *testing.T) {
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				if err := s.Put(ctx, []byte("the same")); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		want(t, s, []byte("the same"))
	})
	t.Run("prefix", func(t *testing.T) {
		other, err := documents.OpenBucket(at+"&prefix=province/two", keys)
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Put(ctx, []byte("of another prefix")); err != nil {
			t.Fatal(err)
		}
		want(t, other, []byte("of another prefix"))
		if _, err := s.Get(ctx, sm3.Sum([]byte("of another prefix"))); !errors.Is(err, documents.ErrNotFound) {
			t.Errorf("beside the prefix: %v, want ErrNotFound", err)
		}
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("500 and then good", func(t *testing.T) {
		r.refuse.Store(2)
		put(t, []byte("after two refusals"))
		r.refuse.Store(2)
		want(t, s, []byte("after two refusals"))
	})
	t.Run("500 for good", func(t *testing.T) {
		r.refuse.Store(1000)
		defer r.refuse.Store(0)
		err := s.Put(ctx, []byte("never taken"))
		if err == nil || errors.Is(err, documents.ErrNotFound) {
			t.Errorf("Put: %v, want the store's refusal", err)
		}
		_, err = s.Get(ctx, sm3.Sum([]byte("the same")))
		if err == nil || errors.Is(err, documents.ErrNotFound) || errors.Is(err, documents.ErrDamaged) {
			t.Errorf("Get: %v: a server that fails is neither an absent nor a damaged document", err)
		}
		for _, secret := range []string{os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")} {
			if strings.Contains(fmt.Sprint(err), secret) {
				t.Errorf("the error tells the credentials: %v", err)
			}
		}
	})
	t.Run("half bodies", func(t *testing.T) {
		put(t, bytes.Repeat([]byte("long"), 1000))
		r.cut.Store(2)
		want(t, s, bytes.Repeat([]byte("long"), 1000))
		r.cut.Store(1000)
		defer r.cut.Store(0)
		if _, err := s.Get(ctx, sm3.Sum(bytes.Repeat([]byte("long"), 1000))); err == nil || errors.Is(err, documents.ErrDamaged) {
			t.Errorf("Get of half a body: %v: the document may be whole", err)
		}
	})
	t.Run("slow", func(t *testing.T) {
		put(t, []byte("slow"))
		r.delay.Store(int64(time.Hour))
		defer r.delay.Store(0)
		hurried, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		if _, err := s.Get(hurried, sm3.Sum([]byte("slow"))); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Get: %v, want the caller's deadline", err)
		}
	})
	t.Run("another's secret", func(t *testing.T) {
		others := pkitest.KeyStore(t)
		stranger, err := documents.CreateBucket(ctx, at, others)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stranger.Get(ctx, sm3.Sum([]byte("the same"))); !errors.Is(err, documents.ErrNotFound) {
			t.Errorf("Get: %v, want ErrNotFound: the name is another one", err)
		}
		if err := stranger.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("no such bucket", func(t *testing.T) {
		absent, err := documents.OpenBucket(tooltest.BucketURL("absent", r.address()), keys)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := absent.Get(ctx, sm3.Sum([]byte("the same"))); err == nil || errors.Is(err, documents.ErrNotFound) {
			t.Errorf("Get: %v: the document may be in the bucket that is meant", err)
		}
		if err := absent.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("wrong credentials", func(t *testing.T) {
		t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret-0123456789")
		wrong, err := documents.OpenBucket(at, keys)
		if err != nil {
			t.Fatal(err)
		}
		_, err = wrong.Get(ctx, sm3.Sum([]byte("the same")))
		if err == nil || errors.Is(err, documents.ErrNotFound) || strings.Contains(err.Error(), "wrong-secret") {
			t.Errorf("Get: %v", err)
		}
		if err := wrong.Close(); err != nil {
			t.Error(err)
		}
	})
}

// overwriting is an object store that takes If-None-Match and heeds it not, as some do.
type overwriting struct {
	mu      sync.Mutex
	objects map[string][]byte // guarded by mu
}

func (o *overwriting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch content, there := o.objects[r.URL.Path]; {
	case r.Method == http.MethodPut:
		b, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		o.objects[r.URL.Path] = b
	case r.Method == http.MethodDelete:
		delete(o.objects, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	case !there:
		w.WriteHeader(http.StatusNotFound)
	default:
		_, _ = w.Write(content)
	}
}

// TestNotWriteOnce: a server that writes over what is there is found before anything is
// entrusted to it.
func TestNotWriteOnce(t *testing.T) {
	server := httptest.NewServer(&overwriting{objects: make(map[string][]byte)})
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "elicence-test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret-of-anybody")
	at := tooltest.BucketURL("documents", strings.TrimPrefix(server.URL, "http://"))
	if _, err := documents.CreateBucket(context.Background(), at, pkitest.KeyStore(t)); !errors.Is(err, documents.ErrNotWriteOnce) {
		t.Errorf("CreateBucket: %v, want ErrNotWriteOnce", err)
	}
}

// TestBucketURL: what does not name a bucket in the one way is refused, and credentials
// in a URL are not repeated.
func TestBucketURL(t *testing.T) {
	keys := pkitest.KeyStore(t)
	if _, err := keys.GenerateSecret(keystore.PurposeRegister, "documents-1"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	for _, text := range []string{
		"", "documents", "s3://", "file:///tmp", "s3://user:hunter2@bucket", "s3://bucket/folder", "s3://bucket#x", "s3://bu cket?\x00hunter2",
		"s3://bucket?role=hunter2", "s3://bucket?region=x&profile=hunter2", "mem://",
		"s3://bucket?region=x&prefix=hunter2/../other", "s3://bucket?region=x&prefix=..", "s3://bucket?region=x&prefix=a%00hunter2", "s3://bucket?region=x&prefix=%ff",
		"s3://bucket?region=x&endpoint=https://user:hunter2@host", "s3://bucket?region=x&endpoint=host:9000", "s3://bucket?region=x&endpoint=https://host?hunter2",
		"s3://bucket?region=x;endpoint=https://hunter2", "s3://bucket?region=x&region=hunter2", "s3://bucket?region=x&use_path_style=1", "s3://bucket?region=x&prefix=%hunter2",
	} {
		if _, err := documents.OpenBucket(text, keys); !errors.Is(err, documents.ErrPlace) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, want ErrPlace without what may be secret", text, err)
		}
	}
	if _, err := documents.OpenBucket("s3://bucket?region=x", keys); err == nil || errors.Is(err, documents.ErrPlace) {
		t.Errorf("without credentials: %v", err)
	}
}

// TestBucketAnswers: what object stores answer now and then ends in no loss and in no silence.
func TestBucketAnswers(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "elicence-test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret-of-anybody")
	keys := pkitest.KeyStore(t)
	if _, err := keys.GenerateSecret(keystore.PurposeRegister, "documents-1"); err != nil {
		t.Fatal(err)
	}
	var conflicts, stored atomic.Int32
	conflicts.Store(1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Query().Has("list-type"): // an old one, which has other words for how to go on
			_, _ = io.WriteString(w, "<ListBucketResult><IsTruncated>true</IsTruncated><NextMarker>x</NextMarker></ListBucketResult>")
		case r.Method == http.MethodPut && conflicts.Add(-1) >= 0:
			w.WriteHeader(http.StatusConflict)
			_, _ = io.WriteString(w, "<Error><Code>ConditionalRequestConflict</Code></Error>")
		case r.Method == http.MethodPut:
			b, err := io.ReadAll(r.Body)
			if err != nil || len(b) == 0 {
				t.Errorf("a repeated body of %d bytes, %v", len(b), err)
			}
			stored.Add(1)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "<Error><Code>NoSuchKey</Code></Error>")
		}
	}))
	t.Cleanup(server.Close)
	s, err := documents.OpenBucket(tooltest.BucketURL("documents", strings.TrimPrefix(server.URL, "http://")), keys)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(context.Background(), []byte("证件照片")); err != nil || stored.Load() != 1 {
		t.Errorf("behind a conflict: %v, %d are stored", err, stored.Load())
	}
	var failed error
	for _, err := range s.Names(context.Background()) {
		failed = err
	}
	if failed == nil {
		t.Error("a list that is cut off passes for all")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
