package api_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/internal/webbuild"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// built are the programs for the browser, built once for all tests.
var built = sync.OnceValues(func() (fs.FS, error) {
	dir, err := os.MkdirTemp("", "webbuild")
	if err != nil {
		return nil, err
	}
	files := make(fstest.MapFS)
	err = buildInto(dir, files)
	return files, errors.Join(err, os.RemoveAll(dir))
})

// buildInto builds in a folder and reads what is there.
func buildInto(dir string, files fstest.MapFS) error {
	if err := webbuild.Build(context.Background(), dir, ""); err != nil {
		return err
	}
	// In the forms in which the service embeds them, made in a hurry.
	if err := webbuild.Compress(dir, 1); err != nil {
		return err
	}
	return fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(os.DirFS(dir), name)
		files[name] = &fstest.MapFile{Data: content}
		return err
	})
}

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

// types types a code key by key as a scanner in keyboard mode does, and waits for the
// answer.
func (b *browser) types(code string) answer {
	b.tb.Helper()
	return b.answered(chromedp.KeyEvent(code + "\r"))
}

// scan gives the page the same keys at once.
func (b *browser) scan(code string) answer {
	b.tb.Helper()
	return b.answered(keys(`"` + code + `", "Enter"`))
}

// keys are keys pressed on the page: texts of single keys, then names, comma-separated.
func keys(list string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Evaluate[bool](`([`+list+`].flatMap((k) => k === "Enter" ? [k] : [...k]).forEach((key) => document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}))), true)`)(ctx, t)
		return err
	})
}

// answered does something that the counter's page answers.
func (b *browser) answered(doing chromedp.Action[chromedp.Void]) answer {
	b.tb.Helper()
	ask(b, chromedp.Evaluate[string](`document.querySelector("[data-part=zh]").textContent = ""`))
	b.do(doing)
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
	if a := b.types(s.code); a.ZH != "有效" || a.Colour != "green" || !strings.Contains(a.Facts, "张样例") {
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

// TestHallScanners: scanners that end with nothing, that stop in the middle, that repeat,
// and an input method that hides the keys.
func TestHallScanners(t *testing.T) {
	t.Parallel()
	s := newServiceWith(t, programs(t))
	b := newBrowser(t)
	b.openHall(s.url)
	half := len(s.code) / 2
	for name, pressed := range map[string]chromedp.Action[chromedp.Void]{
		"no Enter at the end":   keys(`"` + s.code + `"`),
		"a pause in the middle": chromedp.Steps(keys(`"`+s.code[:half]+`"`), chromedp.Sleep(700*time.Millisecond), keys(`"`+s.code[half:]+`", "Enter"`)),
		"an input method": chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := chromedp.Evaluate[bool](`([..."`+s.code+`"].forEach((d) => document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "Process", code: "Digit" + d, bubbles: true}))), true)`)(ctx, t)
			return err
		}),
		"pasted": chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := chromedp.Evaluate[bool](`(() => {
				const clipboardData = new DataTransfer();
				clipboardData.setData("text/plain", "https://localhost/v#`+s.code+`\n");
				return document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true}));
			})()`)(ctx, t)
			return err
		}),
	} {
		if a := b.answered(pressed); a.ZH != "有效" {
			t.Errorf("%s: %+v", name, a)
		}
	}
	// Stray keys are no scan.
	b.do(keys(`"123", "Enter"`), chromedp.Sleep(2500*time.Millisecond))
	if a := b.shown(); a.ZH != "有效" {
		t.Errorf("after stray keys: %+v", a)
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

// TestHallRefusesOlderFiles: files that were once good, put back by somebody between,
// are refused, also after a restart; the page says so and what it knows stays.
func TestHallRefusesOlderFiles(t *testing.T) {
	t.Parallel()
	s := newServiceWith(t, programs(t))
	b := newBrowser(t)
	ctx := context.Background()
	before := s.trustFiles(t)
	if _, err := s.fixture.Office.Step(ctx, "test", s.record.Licence.Identifier, licence.Suspend, "调查"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.fixture.Office.Publish(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	b.openHall(s.url)
	if a := b.scan(s.code); !strings.HasPrefix(a.ZH, "已暂扣") {
		t.Fatalf("a suspended licence: %+v", a)
	}
	s.forge(before)
	for _, when := range []string{"while it runs", "after a restart"} {
		b.update()
		b.until("the older files are refused", `document.querySelector("#alarm").innerText.includes("older than one that was used before")`)
		if a := b.scan(s.code); !strings.HasPrefix(a.ZH, "已暂扣") {
			t.Errorf("%s: %+v", when, a)
		}
		b.screenshot("hall-rollback")
		b.openHall(s.url)
	}
}

// TestHallStorageCleared: what was stored is cleared in the middle. The page goes on
// with what it has in memory, and starts anew when it is opened again.
func TestHallStorageCleared(t *testing.T) {
	t.Parallel()
	s := newServiceWith(t, programs(t))
	b := newBrowser(t)
	b.openHall(s.url)
	b.until("it works without a network", `document.querySelector("#offline").innerText.includes("断网可用")`)
	if _, err := chromedp.Call(b.ctx, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{Origin: s.url, StorageTypes: "all"}); err != nil {
		t.Fatal(err)
	}
	s.cutNetwork(true)
	if a := b.scan(s.code); a.ZH != "有效" {
		t.Errorf("after the storage was cleared: %+v", a)
	}
	s.cutNetwork(false)
	b.openHall(s.url)
	if a := b.scan(s.code); a.ZH != "有效" {
		t.Errorf("opened again: %+v", a)
	}
}

// TestHallClockSkewed: a clock that is behind the signed time says nothing about a
// licence, and one that is days ahead makes the data old; nobody is accused.
func TestHallClockSkewed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		service time.Duration // the service's clock before the browser's
		zh      string
		cause   string
	}{
		"the browser is behind": {2 * time.Hour, "无法判断", "clock"},
		"the browser is ahead":  {-40 * time.Hour, "有效（状态数据较旧）", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServiceAt(t, programs(t), func() time.Time { return time.Now().Add(tt.service) })
			b := newBrowser(t)
			b.do(chromedp.Navigate(s.url + "/hall"))
			b.until("an update was tried", `!document.querySelector("#update-button").disabled && document.querySelector("#data").innerText !== ""`)
			b.update()
			a := b.scan(s.code)
			if a.ZH != tt.zh || a.Colour != "amber" || !strings.Contains(a.Cause, tt.cause) {
				t.Errorf("%+v", a)
			}
			b.screenshot("hall-clock-" + strings.ReplaceAll(name, " ", "-"))
		})
	}
}

// TestHallClears: half a minute after an answer nothing of a person is on the page any more,
// and a scan in between begins the time anew.
func TestHallClears(t *testing.T) {
	t.Parallel()
	s := newServiceWith(t, programs(t))
	b := newBrowser(t)
	b.openHall(s.url)
	// The test does not wait: it keeps what is to be done after the time, and does it. (Waiting
	// for the page sets such a time as well.)
	ask(b, chromedp.Evaluate[bool](`(() => {
		const set = window.setTimeout, clear = window.clearTimeout;
		window.due = new Map();
		let last = -1;
		window.setTimeout = (f, ms, ...more) => ms === 30000 && f.name === "clear" ? (window.due.set(--last, f), last) : set(f, ms, ...more);
		window.clearTimeout = (id) => window.due.delete(id) || clear(id);
		return true;
	})()`))
	due := func() int { return ask(b, chromedp.Evaluate[int](`window.due.size`)) }
	for range 2 {
		if a := b.scan(s.code); a.ZH != "有效" || !strings.Contains(a.Facts, "张样例") {
			t.Fatalf("a good code: %+v", a)
		}
		if n := due(); n != 1 {
			t.Fatalf("%d times run after a scan, want 1", n)
		}
	}
	ask(b, chromedp.Evaluate[bool](`([...window.due.values()].forEach((f) => f()), true)`))
	b.until("the page waits for the next", `document.querySelector("#answer").hidden && !document.querySelector("#idle").hidden`)
	content := ask(b, chromedp.Evaluate[string](`document.documentElement.outerHTML`))
	for _, personal := range []string{"张样例", s.code[:20], s.record.Licence.Number} {
		if strings.Contains(content, personal) {
			t.Errorf("%s is still on the page", personal)
		}
	}
}

// TestHallOtherProvince: the pages have no files of recognised domains. A licence of one is
// of an unknown authority, and nobody is accused of anything.
func TestHallOtherProvince(t *testing.T) {
	t.Parallel()
	s := newServiceWith(t, programs(t))
	theirs := officetest.Province(t, time.Now, "330000", "浙江省(测试)")
	ctx := context.Background()
	code, err := theirs.Office.Code(ctx, "test", theirs.Issue(t, "004"))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "trust")
	if err := theirs.Office.ExportTrust(ctx, "test", dir); err != nil {
		t.Fatal(err)
	}
	root, err := os.ReadFile(filepath.Join(dir, "1.root"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.fixture.Office.RecogniseDomain(ctx, "test", root, []string{"330000"}, []catalogue.ID{4}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.fixture.Office.CarryDomain(ctx, "test", os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.fixture.Office.Publish(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	b.openHall(s.url)
	if a := b.scan(code.Digits); !strings.Contains(a.Cause, "信任列表中没有使用此密钥的发证机关") || strings.Contains(a.Facts, "张样例") {
		t.Errorf("another province's: %+v", a)
	}
	if a := b.scan(s.code); a.ZH != "有效" {
		t.Errorf("our own: %+v", a)
	}
}
