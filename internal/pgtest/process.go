package pgtest

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
)

// process is a program that runs until it is ended.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
}

// launch starts a program that ends with the test by a signal, also when the test is
// killed.
func launch(tb testing.TB, cmd *exec.Cmd, log string, end syscall.Signal) *process {
	tb.Helper()
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		tb.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr.Pdeathsig = end
	p := &process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel looks at the thread that started the program, so that one stays.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		_ = out.Close()
		close(p.ended)
	}()
	if err := <-started; err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.end(end) })
	return p
}

// end ends a program by a signal and waits for its end.
func (p *process) end(by syscall.Signal) {
	_ = p.cmd.Process.Signal(by)
	<-p.ended
}
