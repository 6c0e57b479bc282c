package ca_test

import (
	"strings"
	"testing"

	"github.com/elicence/elicence/pki/ca"
)

func TestIsHost(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("a.", 126) + "a" // 253 characters
	for text, want := range map[string]bool{
		"h": true, "localhost": true, "localhost:8080": true, "0.a-b.example:1": true, longest: true, longest + ":65535": true,
		"": false, ":80": false, "h:": false, "h:123456": false, "h:80:80": false, "H": false, "-h": false, "h-": false, "h.": false, "h/": false, "h\n": false, "主机": false,
		longest + "a": false, longest + "a:80": false,
	} {
		if got := ca.IsHost(text); got != want {
			t.Errorf("IsHost(%q) = %v, want %v", text, got, want)
		}
	}
}
