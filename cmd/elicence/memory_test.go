//go:build linux

package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/tooltest"
)

// TestMemory seals, seals again, verifies and signs in two steps a file of 256 MiB (1 GiB where ELICENCE_LONG
// is set) in 64 MiB, and in hardly more memory than a file of one page takes. It is measured
// of the real program, as the kernel maps it at worst: all that is resident at its height, and of that what is not the
// program's own file, which other processes share.
func TestMemory(t *testing.T) {
	t.Parallel()
	size := int64(256 << 20)
	if os.Getenv("ELICENCE_LONG") != "" {
		size = 1 << 30
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	program := writtenAtOnce(t)
	run := func(args ...string) memory {
		t.Helper()
		return measured(t, program, append(args, "--data", in("data"), "--actor", "officer"))
	}
	if err := os.WriteFile(in("pass"), []byte("passphrase\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run("init", "--root-passphrase-file", in("pass"))
	run("authority", "add", "--uscc", "11340100XN0000012K", "--name", "合肥市样例局", "--region", "340100", "--level", "city")
	run("seal", "make", "--owner", "11340100XN0000012K", "--region", "340100", "--text", "合肥市样例局")
	const id = "34010000000001"
	measured(t, program, []string{"seal", "approve", id, "--data", in("data"), "--actor", "another"})
	if err := errors.Join(sparse(in("small.pdf"), 1<<10), sparse(in("large.pdf"), size)); err != nil {
		t.Fatal(err)
	}
	// Up to 37 MiB are pages of the program's own file: all of them where the kernel maps files
	// in large pieces.
	const more, most, mostOwn = 12 << 20, 64 << 20, 27 << 20
	// A person's key is elsewhere: OpenSSL has it.
	openssl := func(args ...string) { tooltest.Run(t, "openssl", args...) }
	openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", in("person.key"))
	openssl("req", "-new", "-utf8", "-key", in("person.key"), "-sm3", "-sigopt", "distid:1234567812345678", "-subj", "/C=CN/CN=张样例", "-out", in("person.csr"))
	run("ca", "issue", "--profile", "person", "--csr", in("person.csr"), "-o", in("person.pem"))
	for _, step := range []struct {
		name   string
		args   func(file string) []string
		before func(file string)
	}{
		{name: "sealing", args: func(f string) []string {
			return []string{"seal", "stamp", "--seal", id, "--at", "60,60", in(f), in("one-" + f)}
		}},
		{name: "sealing again", args: func(f string) []string {
			return []string{"seal", "stamp", "--seal", id, "--at", "140,60", in("one-" + f), in("two-" + f)}
		}},
		{name: "verifying", args: func(f string) []string { return []string{"verify", in("two-" + f)} }},
		{name: "sealing a digest", args: func(f string) []string {
			return []string{"seal", "digest", "--seal", id, "--sm3", strings.Repeat("5a", 32), "--byte-range", "0,100,200,300", "-o", in("digest-" + f)}
		}},
		{name: "preparing", args: func(f string) []string {
			return []string{"document", "prepare", "--certificate", in("person.pem"), "--message", in("message-" + f), "--page", "1", "--at", "60,60", in(f), in("waiting-" + f)}
		}},
		{name: "completing", before: func(f string) {
			openssl("pkeyutl", "-sign", "-rawin", "-digest", "sm3", "-inkey", in("person.key"), "-in", in("message-"+f), "-out", in("signature-"+f), "-pkeyopt", "distid:1234567812345678")
		}, args: func(f string) []string {
			return []string{"document", "complete", "--certificate", in("person.pem"), "--signature", in("signature-" + f), in("waiting-" + f), in("signed-" + f)}
		}},
	} {
		var of [2]memory
		for i, f := range []string{"small.pdf", "large.pdf"} {
			if step.before != nil {
				step.before(f)
			}
			of[i] = run(step.args(f)...)
		}
		small, large := of[0], of[1]
		t.Logf("%s: %v resident, %v of it its own; %v, %v for a small file", step.name, large.peak, large.own, small.peak, small.own)
		if large.peak > most || large.own > mostOwn {
			t.Errorf("%s takes %v, %v its own; at most %v and %v are wanted", step.name, large.peak, large.own, mebibytes(most), mebibytes(mostOwn))
		}
		if large.own > small.own+more || large.peak > small.peak+more {
			t.Errorf("%s takes %v (%v) of memory, %v (%v) for a small file", step.name, large.peak, large.own, small.peak, small.own)
		}
	}
}

// memory is what a process had resident at its height.
type memory struct {
	peak mebibytes // all of it
	own  mebibytes // without what is mapped from files
}

type mebibytes int64

func (m mebibytes) String() string { return fmt.Sprintf("%.1f MiB", float64(m)/(1<<20)) }

// TestMemoryAtDesk is the same beside a running service: neither it nor who asks it holds a
// document.
func TestMemoryAtDesk(t *testing.T) {
	t.Parallel()
	size := int64(256 << 20)
	if os.Getenv("ELICENCE_LONG") != "" {
		size = 1 << 30
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	data, id := sealKept(t, dir)
	if err := errors.Join(sparse(in("small.pdf"), 1<<10), sparse(in("large.pdf"), size)); err != nil {
		t.Fatal(err)
	}
	running := serve(t, data)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	watched := make(chan memory, 1)
	var before mebibytes
	for _, file := range []string{"small.pdf", "large.pdf"} {
		if file == "large.pdf" { // what a document takes at all it has taken
			before = watch(cancelled(), running.cmd.Process.Pid).own
			go func() { watched <- watch(ctx, running.cmd.Process.Pid) }()
		}
		for _, args := range [][]string{
			{"seal", "stamp", "--seal", id, "--at", "60,60", in(file), in("one-" + file)},
			{"seal", "stamp", "--seal", id, "--at", "140,60", in("one-" + file), in("two-" + file)},
			{"verify", in("two-" + file)},
		} {
			began := time.Now()
			m := measured(t, filepath.Join(binaries, "elicence"), append(args, "--data", data, "--actor", "officer"))
			t.Logf("%s %s: %v, %v of it its own, in %v", args[0], file, m.peak, m.own, time.Since(began).Round(time.Millisecond))
			if m.own > 64<<20 {
				t.Errorf("%q takes %v of memory", args, m.own)
			}
		}
	}
	stop()
	most := (<-watched).own
	t.Logf("service: %v before the large file, then %v", before, most)
	if most > before+64<<20 {
		t.Errorf("the service takes %v, %v before", most, before)
	}
	running.end(t)
}

// cancelled is a context that has ended: a look, and no more.
func cancelled() context.Context {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	return ctx
}

// writtenAtOnce writes the program in one piece: a kernel that keeps what it was given in
// large pieces maps all of it.
func writtenAtOnce(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(binaries, "elicence"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "elicence")
	// A child that is made meanwhile would have the file open for writing, and nobody may run it.
	syscall.ForkLock.RLock()
	err = os.WriteFile(path, content, 0o700)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// measured runs the program, which must succeed.
func measured(t *testing.T, program string, args []string) memory {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	watched := make(chan memory)
	go func() { watched <- watch(ctx, cmd.Process.Pid) }()
	err := cmd.Wait()
	stop()
	m := <-watched
	if err != nil {
		t.Fatalf("elicence %s: %v\n%s", strings.Join(args, " "), err, out.Bytes())
	}
	return m
}

// watch returns the most memory that a process had while it was looked at. What the system
// says of its children's (ru_maxrss) is no less than this process had when it made them.
func watch(ctx context.Context, pid int) memory {
	var most memory
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if errors.Is(err, fs.ErrNotExist) {
			return most
		}
		for name, into := range map[string]*mebibytes{"VmHWM:": &most.peak, "RssAnon:": &most.own} {
			if _, rest, ok := strings.Cut(string(status), name); ok {
				if kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64); err == nil {
					*into = max(*into, mebibytes(kib<<10))
				}
			}
		}
		select {
		case <-ctx.Done():
			return most
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// sparse writes a PDF of one page with a picture of so many bytes, all of them zero: the
// file system keeps no room for them.
func sparse(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	var at [5]int64
	end := int64(0)
	put := func(n int, text string) {
		if n > 0 {
			at[n] = end
		}
		if err == nil {
			_, err = f.WriteAt([]byte(text), end)
		}
		end += int64(len(text))
	}
	put(0, "%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")
	put(1, "1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n")
	put(2, "2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n")
	put(3, "3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</XObject<</P 4 0 R>>>>>>\nendobj\n")
	put(4, fmt.Sprintf("4 0 obj\n<</Type/XObject/Subtype/Image/Width 1024/Height %d/BitsPerComponent 8/ColorSpace/DeviceGray/Length %d>>\nstream\n", size>>10, size))
	end += size
	put(0, "\nendstream\nendobj\n")
	table := "xref\n0 5\n0000000000 65535 f \n"
	for _, offset := range at[1:] {
		table += fmt.Sprintf("%010d 00000 n \n", offset)
	}
	put(0, fmt.Sprintf("%strailer\n<</Size 5/Root 1 0 R/ID[<01><01>]>>\nstartxref\n%d\n%%%%EOF\n", table, end))
	return errors.Join(err, f.Close())
}
