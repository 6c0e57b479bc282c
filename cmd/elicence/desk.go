package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/elicence/elicence/api"
	"github.com/elicence/elicence/internal/desk"
	"github.com/elicence/elicence/internal/office"
)

// forDesk marks the commands that a running service carries out.
const forDesk = "desk"

// atDesk has commands carried out by the service that runs on the data folder, if there
// is one: nobody else can open the folder meanwhile. Whatever such a command reads and
// writes goes through [settings] and the command's streams.
func atDesk(s *settings, commands ...*cobra.Command) []*cobra.Command {
	for _, c := range commands {
		if c.HasSubCommands() {
			atDesk(s, c.Commands()...)
			continue
		}
		atDeskUnless(s, func() bool { return false }, c)
	}
	return commands
}

// atDeskUnless is atDesk for a command whose flags may have it work on what no service has
// a part in: apart says, once they are read, that it does.
func atDeskUnless(s *settings, apart func() bool, c *cobra.Command) *cobra.Command {
	run := c.RunE
	if c.Annotations == nil {
		c.Annotations = make(map[string]string)
	}
	c.Annotations[forDesk] = ""
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if apart() {
			if s.served != nil {
				return fmt.Errorf("%s, with these flags: %w", cmd.CommandPath(), errNotAtDesk)
			}
			return run(cmd, args)
		}
		if s.served != nil {
			return run(cmd, args)
		}
		if err := s.check(); err != nil {
			return err
		}
		// Several processes have a database open at once, so nobody needs to be asked.
		if s.store != "" {
			return run(cmd, args)
		}
		service, running := desk.Find(cmd.Context(), filepath.Join(s.data, api.DeskSocket))
		if !running {
			return run(cmd, args)
		}
		return s.handOver(cmd, service)
	}
	return c
}

// handOver has a service carry out the command that was typed.
func (s *settings) handOver(cmd *cobra.Command, service desk.Service) error {
	code, err := service.Run(cmd.Context(), desk.Request{Args: s.args, Actor: s.actor, Terminal: s.screen()},
		desk.Terminal{Stdin: cmd.InOrStdin(), Stdout: cmd.OutOrStdout(), Stderr: cmd.ErrOrStderr(), Files: s.files, Passwords: s.passwords})
	switch {
	case errors.Is(err, desk.ErrBrokenOff):
		if s.screen() { // a line of progress may be unfinished
			_, _ = fmt.Fprintln(cmd.ErrOrStderr())
		}
		return &brokenOff{again: cmd.Annotations[repeatable], cause: err}
	case err != nil:
		return err
	case code != exitYes:
		return exitCode(code)
	default:
		return nil
	}
}

// repeatable marks the commands that go on where they stopped when they are given again, by
// what they do a second time.
const repeatable = "repeatable"

const (
	nothingTwice = "nothing"
	usesTwice    = "uses" // of a seal, which are recorded before the documents are written
)

// goesOn marks a command as [repeatable].
func goesOn(c *cobra.Command, again string) *cobra.Command {
	c.Annotations = map[string]string{repeatable: again}
	return c
}

// brokenOff is returned by a command whose service has gone away.
type brokenOff struct {
	again string // what it does a second time when it is given again; empty: nobody can tell
	cause error
}

// Error says it without the socket's words, which tell an officer nothing. What is no end of
// a connection is told: the two may not understand each other.
func (e *brokenOff) Error() string {
	const text = "服务在命令完成之前停止了 the service has ended before the command did"
	if errors.Is(e.cause, io.EOF) || errors.Is(e.cause, io.ErrUnexpectedEOF) || errors.As(e.cause, new(*net.OpError)) {
		return text
	}
	return text + ": " + e.cause.Error()
}

// hint says what became of the command, and how to go on.
func (e *brokenOff) hint() string {
	switch e.again {
	case nothingTwice:
		return "已完成的都已写入磁盘，没有丢失；服务恢复后（或不启动服务）再次执行同一命令，即从中断处继续，不会重复 " +
			"what was done is on the disk and nothing is lost; when the service runs again, or without it, give the same command: it goes on where it stopped and does nothing twice"
	case usesTwice:
		return "已写出的文件都在，没有丢失；服务恢复后（或不启动服务）再次执行同一命令，即继续其余文件；用印已记录而文件未写出的，会重新盖章，再计一次用印 " +
			"the documents that were written are there and nothing is lost; when the service runs again, or without it, give the same command: it goes on with the others; " +
			"one whose use of the seal was recorded but that was not written is sealed anew, and that counts as another use"
	}
	return "已确认的都已写入磁盘；本命令可能已完成，也可能没有，请先查询，再决定是否重做 " +
		"what was acknowledged is on the disk; this command may have been carried out or not: look before you give it again"
}

// screen reports whether standard error is somebody's screen.
func (s *settings) screen() bool {
	if s.served != nil {
		return s.terminal
	}
	return term.IsTerminal(int(os.Stderr.Fd()))
}

// errNotAtDesk refuses what is not for a desk.
var errNotAtDesk = errors.New("the service carries out no such command")

// carryOut returns what carries out the commands at the desk of the service that s has
// opened.
func (s *settings) carryOut(o *office.Office) func(context.Context, *desk.Command) int {
	return func(ctx context.Context, c *desk.Command) int {
		theirs := &settings{served: o, actor: c.Actor, files: c.Files, passwords: c.Passwords, terminal: c.Terminal, clock: s.clock}
		root := newRootFor(theirs)
		root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
			if _, ok := cmd.Annotations[forDesk]; !ok {
				return fmt.Errorf("%s: %w", cmd.CommandPath(), errNotAtDesk)
			}
			theirs.data = s.data // whatever the folder is called at the terminal
			return theirs.checkActor()
		}
		root.SetArgs(append([]string{}, c.Args...)) // without any it would take this process's
		root.SetIn(c.Stdin)
		root.SetOut(c.Stdout)
		root.SetErr(c.Stderr)
		return report(c.Stderr, root.ExecuteContext(ctx))
	}
}
