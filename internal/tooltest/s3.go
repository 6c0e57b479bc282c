package tooltest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Bucket runs an S3 server, versitygw, with an empty bucket and puts its credentials
// into the environment, so the test cannot be parallel. It returns the server's
// address.
func Bucket(t *testing.T, bucket string) string {
	t.Helper()
	program := Need(t, "versitygw")
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, bucket), 0o700); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "elicence-test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret-of-anybody")
	ctx, stop := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, program, "--access", os.Getenv("AWS_ACCESS_KEY_ID"), "--secret", os.Getenv("AWS_SECRET_ACCESS_KEY"), "--port", address, "--quiet", "posix", dir)
	server.Stdout, server.Stderr = t.Output(), t.Output()
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = server.Wait() // killed
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			return address
		}
		if time.Now().After(deadline) {
			t.Fatalf("the S3 server does not listen: %v", err)
		}
	}
}

// BucketURL names a bucket at an address as the document store wants it.
func BucketURL(bucket, address string) string {
	return fmt.Sprintf("s3://%s?region=us-east-1&endpoint=http://%s&use_path_style=true", bucket, address)
}
