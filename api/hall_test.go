package api_test

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/chromedp/chromedp"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/internal/webbuild"
	"github.com/elicence/elicence/licence"
)

// built are the programs for the browser, built once for all tests.
var built = sync.OnceValues(func() (fs.FS, error) {
	dir, err := os.MkdirTemp("", "webbuild")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := webbuild.Build(context.Background(), dir, ""); err != nil {
		return nil, err
	}
	files := make(fstest.MapFS)
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(os.DirFS(dir), name)
		files[name] = &fstest.MapFile{Data: content}
		return err
	})
	return files, err
})

// programs builds the programs for the browser.
func programs(tb testing.TB) fs.FS {
	tb.Helper()
	tooltest.Need(tb, "chromium")
	files, err := built()
	if err != nil {
		tb.Fatal(err)
	}
	return files
}

// openHall opens the counter's page and waits until it is ready to scan.
func (b *browser) openHall(url string) {
	b.tb.Helper()
	b.do(chromedp.Navigate(url + "/hall"))
	b.until("the page is ready", `document.querySelector("#ready")?.innerText.includes("请扫码")`)
}

// scan types a code as a scanner in keyboard mode does, and waits for the answer.
func (b *browser) scan(code string) answer {
	b.tb.Helper()
	ask(b, chromedp.Evaluate[string](`document.querySelector("[data-part=zh]").textContent = ""`))
	b.do(chromedp.KeyEvent(code + "\r"))
	b.until("there is an answer", `document.querySelector("[data-part=zh]").textContent !== ""`)
	return b.shown()
}

// TestHallPage: the counter's page verifies in the browser what a scanner types, and
// sends nothing of it.
func TestHallPage(t *testing.T) {
	t.Parallel()
	s := newServiceWith(t, programs(t))
	b := newBrowser(t)
	b.openHall(s.url)
	b.screenshot("hall-idle")
	if a := b.scan(s.code); a.ZH != "有效" || a.Colour != "green" || !strings.Contains(a.Facts, "张样例") {
		t.Errorf("a good code: %+v", a)
	}
	b.screenshot("hall-valid")
	for name, tt := range map[string]struct{ code, zh, colour string }{
		"an address":  {"https://localhost/v#" + s.code, "有效", "green"},
		"a misread":   {s.code[:len(s.code)-1], "未能读出（误读或非本系统的码）", "amber"},
		"other words": {"6901234567892690123456789", "未能读出（误读或非本系统的码）", "amber"},
	} {
		if a := b.scan(tt.code); a.ZH != tt.zh || a.Colour != tt.colour {
			t.Errorf("%s: %+v", name, a)
		}
	}
	for _, sent := range s.requests() {
		if strings.Contains(sent, s.code[:20]) || strings.HasPrefix(sent, "POST") {
			t.Errorf("the page has sent %s", sent)
		}
	}
}

// TestHallWithoutNetwork: after the first visit the page opens and verifies although
// the network is cut, and takes up what was published when it is back.
func TestHallWithoutNetwork(t *testing.T) {
	t.Parallel()
	s := newServiceWith(t, programs(t))
	b := newBrowser(t)
	b.openHall(s.url)
	b.until("it works without a network", `document.querySelector("#offline").innerText.includes("断网可用")`)
	s.cutNetwork(true)
	b.openHall(s.url)
	if a := b.scan(s.code); a.ZH != "有效" || !strings.Contains(a.Facts, "张样例") {
		t.Errorf("without a network: %+v", a)
	}
	b.screenshot("hall-offline")

	ctx := context.Background()
	if _, err := s.fixture.Office.Step(ctx, "test", s.record.Licence.Identifier, licence.Revoke, "遗失"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.fixture.Office.Publish(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	s.cutNetwork(false)
	b.update()
	if a := b.scan(s.code); a.ZH != "已注销或吊销" || a.Colour != "red" {
		t.Errorf("after the revocation: %+v", a)
	}
	b.screenshot("hall-revoked")
}

// update presses the button for new data and waits for the end.
func (b *browser) update() {
	b.tb.Helper()
	b.until("no update is under way", `!document.querySelector("#update-button").disabled`)
	b.do(chromedp.Click("#update-button"))
	b.until("the update is over", `!document.querySelector("#update-button").disabled`)
}
