package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/elicence/elicence/internal/backup"
	"github.com/elicence/elicence/internal/desk"
)

// FetchBackup has a running service make a backup ([atrest.Backup]), writes its
// content and checks the form to the end.
func FetchBackup(ctx context.Context, service desk.Service, actor string, w io.Writer) (backup.Totals, error) {
	body, err := json.Marshal(deskRequest{Actor: actor})
	if err != nil {
		return backup.Totals{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://desk/backup", bytes.NewReader(body))
	if err != nil {
		return backup.Totals{}, fmt.Errorf("asking the running service: %w", err)
	}
	// As long as it takes: the context bounds it.
	response, err := (&http.Client{Transport: &http.Transport{DialContext: service.Dial, DisableKeepAlives: true}}).Do(request)
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
