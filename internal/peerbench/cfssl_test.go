//go:build peers

package peerbench

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"
)

// produced is how many pre-produced answers a responder holds.
const produced = 2000

// BenchmarkOCSPCFSSL is cfssl's ocspserve with pre-produced answers (P-256).
func BenchmarkOCSPCFSSL(b *testing.B) {
	ca, key := authority(b, "cfssl", nil, nil)
	var file strings.Builder
	requests, answers := make([][]byte, produced), make([][]byte, produced)
	for i := range requests {
		subject := *ca
		subject.SerialNumber = big.NewInt(int64(1000 + i))
		request, err := ocsp.CreateRequest(&subject, ca, &ocsp.RequestOptions{Hash: crypto.SHA1})
		if err != nil {
			b.Fatal(err)
		}
		now := time.Now()
		answer, err := ocsp.CreateResponse(ca, ca, ocsp.Response{
			Status: ocsp.Good, SerialNumber: subject.SerialNumber, ThisUpdate: now.Add(-time.Minute), NextUpdate: now.Add(24 * time.Hour), IssuerHash: crypto.SHA1,
		}, key)
		if err != nil {
			b.Fatal(err)
		}
		requests[i], answers[i] = request, answer
		fmt.Fprintln(&file, base64.StdEncoding.EncodeToString(answer))
	}
	path := filepath.Join(b.TempDir(), "responses")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	server := peer(b, "cfssl", func(port string) []string {
		return []string{"ocspserve", "-address", "127.0.0.1", "-port", port, "-responses", path, "-loglevel", "5"}
	})
	wires := make([][]byte, produced)
	for i, request := range requests {
		wires[i] = wired("/", "application/ocsp-request", request)
	}
	loadWire(b, server, wires, func(i int, body []byte) error {
		if !bytes.Equal(body, answers[i]) {
			return fmt.Errorf("cfssl answers %x", body)
		}
		return nil
	})
}
