package main

import (
	"context"
	"errors"
	"fmt"
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
	c.Annotations = map[string]string{forDesk: ""}
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
	case err != nil:
		return err
	case code != exitYes:
		return exitCode(code)
	default:
		return nil
	}
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
