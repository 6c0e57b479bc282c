package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/elicence/elicence/internal/backup"
	"github.com/elicence/elicence/licence"
)

// RemoteDesk is the [Desk] of a service that is running.
type RemoteDesk struct{ client *http.Client }

// deskTimeout bounds what a command waits for a service.
const deskTimeout = 30 * time.Second

// DialDesk finds the service that runs on a data folder by its socket, or says that
// there is none.
func DialDesk(ctx context.Context, socket string) (RemoteDesk, bool) {
	var dialer net.Dialer
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, "unix", socket)
	}
	c, err := dial(ctx, "", "")
	if err != nil {
		return RemoteDesk{}, false
	}
	_ = c.Close()
	return RemoteDesk{&http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: deskTimeout}}, true
}

// deskError is what the service has refused, as an error of this process.
type deskError struct {
	text string
	is   error
}

// Error returns the service's words.
func (e *deskError) Error() string { return e.text }

// Unwrap returns the error that a command decides on, or nil.
func (e *deskError) Unwrap() error { return e.is }

func (d RemoteDesk) ask(ctx context.Context, path string, q deskRequest, into any) error {
	body, err := json.Marshal(q)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://desk"+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("asking the running service: %w", err)
	}
	response, err := d.client.Do(request)
	if err != nil {
		return fmt.Errorf("asking the running service: %w", err)
	}
	defer response.Body.Close()
	refused := response.StatusCode != http.StatusOK
	var refusal deskRefusal
	if refused {
		into = &refusal
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("asking the running service: status %d: %w", response.StatusCode, err)
	}
	if refused {
		return &deskError{refusal.Error, deskErrors[refusal.Is]}
	}
	return nil
}

// Bind is [Desk.Bind].
func (d RemoteDesk) Bind(ctx context.Context, actor string, id licence.Identifier) (DeskBinding, error) {
	var b DeskBinding
	err := d.ask(ctx, "/bind", deskRequest{Actor: actor, Licence: id.String()}, &b)
	return b, err
}

// Devices is [Desk.Devices].
func (d RemoteDesk) Devices(ctx context.Context, actor string, id licence.Identifier) ([]DeskDevice, error) {
	var all []DeskDevice
	err := d.ask(ctx, "/devices", deskRequest{Actor: actor, Licence: id.String()}, &all)
	return all, err
}

// Backup writes the content of a backup that the service makes ([office.Office.Backup])
// and checks its form to the end.
func (d RemoteDesk) Backup(ctx context.Context, actor string, w io.Writer) (backup.Totals, error) {
	body, err := json.Marshal(deskRequest{Actor: actor})
	if err != nil {
		return backup.Totals{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://desk/backup", bytes.NewReader(body))
	if err != nil {
		return backup.Totals{}, fmt.Errorf("asking the running service: %w", err)
	}
	// As long as it takes: the context bounds it.
	response, err := (&http.Client{Transport: d.client.Transport}).Do(request)
	if err != nil {
		return backup.Totals{}, fmt.Errorf("asking the running service: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return backup.Totals{}, fmt.Errorf("asking the running service: status %d", response.StatusCode)
	}
	totals, err := backup.Read(io.TeeReader(response.Body, w), backup.Discard{})
	if err != nil {
		return totals, fmt.Errorf("the running service's backup: %w", err)
	}
	return totals, nil
}

// Unbind is [Desk.Unbind].
func (d RemoteDesk) Unbind(ctx context.Context, actor string, id licence.Identifier, device licence.DeviceID) error {
	return d.ask(ctx, "/unbind", deskRequest{Actor: actor, Licence: id.String(), Device: device.String()}, new(struct{}))
}
