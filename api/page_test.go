package api_test

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/elicence/elicence/internal/tooltest"
)

// browser is a tab of a headless Chromium with an empty profile.
type browser struct {
	tb  testing.TB
	ctx context.Context

	mu    sync.Mutex
	asked []*network.Request // guarded by mu
}

func newBrowser(tb testing.TB, flags ...chromedp.ExecAllocatorOption) *browser {
	tb.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(tooltest.Need(tb, "chromium")), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true),
		chromedp.UserDataDir(tb.TempDir()), chromedp.WindowSize(900, 1200),
	)
	options = append(options, flags...)
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	tb.Cleanup(stopAllocator)
	ctx, stop := chromedp.NewContext(allocator)
	tb.Cleanup(stop)
	b := &browser{tb: tb, ctx: ctx}
	err := chromedp.Listen(ctx, func(event any) {
		if sent, ok := event.(*network.EventRequestWillBeSent); ok {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.asked = append(b.asked, sent.Request)
		}
	})
	if err != nil {
		tb.Fatalf("starting the browser: %v", err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		tb.Fatalf("watching the network: %v", err)
	}
	return b
}

// until waits until an expression of the page is true.
func (b *browser) until(what, expression string) {
	b.tb.Helper()
	limited, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if _, err := chromedp.Run(limited, chromedp.Poll[bool](expression, chromedp.WithPollingInterval(20*time.Millisecond))); err != nil {
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
		b.tb.Fatalf("waiting until %s: %v\nThe page says:\n%s", what, err, text)
	}
}

// do runs steps, which must be done in half a minute.
func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.tb.Helper()
	limited, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(limited, steps...); err != nil {
		b.tb.Fatal(err)
	}
}

func ask[T any](b *browser, a chromedp.Action[T]) T {
	b.tb.Helper()
	limited, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	v, err := chromedp.Run(limited, a)
	if err != nil {
		b.tb.Fatal(err)
	}
	return v
}

// requests returns what the browser has asked for that match.
func (b *browser) requests(match func(*network.Request) bool) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []string
	for _, r := range b.asked {
		if match(r) {
			found = append(found, r.Method+" "+r.URL)
		}
	}
	return found
}

// answer is what the page shows.
type answer struct {
	ZH     string `json:"zh"`
	EN     string `json:"en"`
	Colour string `json:"colour"`
	Facts  string `json:"facts"`
	Cause  string `json:"cause"`
}

// answer waits for an answer and reads it.
func (b *browser) answer() answer {
	b.tb.Helper()
	b.do(chromedp.WaitVisible("#answer"), chromedp.WaitEnabled("#send"))
	return b.shown()
}

// shown reads the answer that is on the page.
func (b *browser) shown() answer {
	b.tb.Helper()
	return ask(b, chromedp.Evaluate[answer](`(() => {
		const text = (name) => document.querySelector(name).innerText.trim();
		return {zh: text("[data-part=zh]"), en: text("[data-part=en]"), colour: document.querySelector("#answer").className, facts: text("#answer dl"), cause: text("#answer .cause")};
	})()`))
}

// screenshot keeps a picture where ELICENCE_SCREENSHOTS names a folder, for a look
// by eye.
func (b *browser) screenshot(name string) {
	b.tb.Helper()
	dir := os.Getenv("ELICENCE_SCREENSHOTS")
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), ask(b, chromedp.FullScreenshot(100)), 0o600); err != nil {
		b.tb.Fatal(err)
	}
}

func TestVerifyPage(t *testing.T) {
	s := newService(t)
	b := newBrowser(t)
	open := chromedp.Steps(chromedp.Navigate(s.url+"/verify"), chromedp.WaitVisible("#code"))
	upload := func(name string, content []byte) answer {
		t.Helper()
		b.do(open, chromedp.SetUploadFiles("#file", []string{s.file(t, name, content)}))
		return b.answer()
	}

	// A scanner in keyboard mode types the digits and ends with Enter.
	b.do(open, chromedp.SendKeys("#code", s.code+"\r"))
	if a := b.answer(); a.ZH != "有效" || a.EN != "Valid" || a.Colour != "green" || !strings.Contains(a.Facts, "张样例") || !strings.Contains(a.Facts, "机动车驾驶证") {
		t.Errorf("a good code: %+v", a)
	}
	b.screenshot("code")

	// A misread is amber and accuses nobody.
	b.do(open, chromedp.SetValue("#code", s.code[:len(s.code)-1]), chromedp.Click("#send"))
	if a := b.answer(); a.Colour != "amber" || !strings.Contains(a.EN, "Could not be read") {
		t.Errorf("a misread: %+v", a)
	}
	b.screenshot("misread")

	if a := upload("licence.pdf", s.pdf); a.ZH != "有效" || !strings.Contains(a.Facts, "印章") || !strings.Contains(a.Facts, "张样例") {
		t.Errorf("a sealed licence: %+v", a)
	}
	b.screenshot("pdf")
	broken := append([]byte(nil), s.pdf...)
	broken[len(broken)/3] ^= 1
	if a := upload("broken.pdf", broken); a.Colour != "red" || !strings.Contains(a.ZH, "篡改") || !strings.Contains(a.Cause, "签章后文件被改动") || !strings.Contains(a.Cause, "signature Seal1") {
		t.Errorf("a changed PDF: %+v", a)
	}
	if a := b.shown(); !strings.HasPrefix(a.Facts, "文件 File\nbroken.pdf") || !strings.Contains(a.Facts, "文件内容与签章时的摘要不符") {
		t.Errorf("which file it is and why its seal does not count: %+v", a)
	}
	b.screenshot("broken")
	b.printsAnswerOnly()
	if a := upload("code.png", s.png); a.ZH != "有效" {
		t.Errorf("a picture of a code: %+v", a)
	}
	// Dropped on the field as from a folder.
	b.do(open)
	ask(b, chromedp.Poll[bool](`(() => {
		const dropped = new DataTransfer();
		dropped.items.add(new File([Uint8Array.from(atob("`+base64.StdEncoding.EncodeToString(s.png)+`"), (c) => c.charCodeAt(0))], "code.png", {type: "image/png"}));
		return !document.querySelector("#drop").dispatchEvent(new DragEvent("drop", {dataTransfer: dropped, bubbles: true, cancelable: true}));
	})()`))
	if a := b.answer(); a.ZH != "有效" || !strings.Contains(a.Facts, "张样例") {
		t.Errorf("a dropped picture of a code: %+v", a)
	}
	if a := upload("blank.png", blankPNG(t)); a.Colour != "amber" || !strings.Contains(a.Cause, "no QR code") {
		t.Errorf("a picture without a code: %+v", a)
	}
	if a := upload("note.pdf", []byte("not a PDF")); a.Colour != "amber" {
		t.Errorf("a file that is no PDF: %+v", a)
	}

	if foreign := b.requests(func(r *network.Request) bool { return !strings.HasPrefix(r.URL, s.url) }); len(foreign) > 0 {
		t.Errorf("the page asks other hosts: %v", foreign)
	}
}

// printsAnswerOnly checks that of a page with an answer nothing else is printed.
func (b *browser) printsAnswerOnly() {
	b.tb.Helper()
	medium := func(name string) {
		b.tb.Helper()
		if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: name}); err != nil {
			b.tb.Fatal(err)
		}
	}
	medium("print")
	shown := ask(b, chromedp.Evaluate[string](`[...document.querySelectorAll("form, footer, button, #answer")].filter((e) => e.checkVisibility()).map((e) => e.id || e.tagName).join(" ")`))
	if shown != "answer" {
		b.tb.Errorf("on paper there is %q", shown)
	}
	medium("")
}

// TestPrintedAddress: what a phone's camera opens puts the code into the form, takes
// it out of the address, and sends nothing before the person asks for it.
func TestPrintedAddress(t *testing.T) {
	s := newService(t)
	b := newBrowser(t)
	b.do(chromedp.Navigate(s.url+"/v#"+s.code), chromedp.WaitVisible("#code"))
	if got := ask(b, chromedp.Poll[string](`document.querySelector("#code").value`)); got != s.code {
		t.Errorf("the form holds %d digits, want %d", len(got), len(s.code))
	}
	if address := ask(b, chromedp.Location()); strings.Contains(address, "#") {
		t.Errorf("the address keeps the code: %s", address)
	}
	sent := func(r *network.Request) bool { return r.Method != "GET" || strings.Contains(r.URL, s.code[:20]) }
	if early := b.requests(sent); len(early) > 0 {
		t.Errorf("the page has sent %v before it was asked to", early)
	}
	b.do(chromedp.Click("#send"))
	if a := b.answer(); a.ZH != "有效" {
		t.Errorf("after sending: %+v", a)
	}
}
