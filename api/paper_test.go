package api_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// meaning is what the page for paper says in plain words.
func (b *browser) meaning() string {
	b.tb.Helper()
	b.until("there is an answer", `document.querySelector("#answer")?.hidden === false`)
	return ask(b, chromedp.Text("[data-part=meaning-zh]"))
}

// TestPaperPage: what a phone's camera opens from paper is judged on the phone; the
// code is in no request and no longer in the address.
func TestPaperPage(t *testing.T) {
	t.Parallel()
	s := newServiceWith(t, programs(t))
	b := newBrowser(t)
	b.do(chromedp.EmulateViewport(390, 844))
	b.do(chromedp.Navigate(s.url + "/v#" + s.code))
	if got := b.meaning(); !strings.Contains(got, "这张证照是真的") {
		t.Errorf("the page says %q", got)
	}
	if a := b.shown(); a.ZH != "有效" || a.Colour != "green" || !strings.Contains(a.Facts, "张样例") {
		t.Errorf("a good code: %+v", a)
	}
	b.screenshot("paper-valid")
	if address := ask(b, chromedp.Location()); strings.Contains(address, "#") {
		t.Errorf("the address keeps the code: %s", address)
	}
	if there := ask(b, chromedp.Evaluate[bool](`performance.getEntries().some((entry) => entry.entryType !== "navigation" && entry.name.includes("`+s.code[:20]+`"))`)); there {
		t.Error("something was loaded by an address with the code in it")
	}

	// Opened again with another code while the page is still there.
	forged := []byte(s.code)
	forged[40] = '0' + ('9' - forged[40])
	b.do(chromedp.Navigate(s.url + "/v#" + string(forged)))
	b.until("the other code is judged", `document.querySelector("#answer").className === "amber"`)
	if got := b.meaning(); !strings.Contains(got, "不表示证照有问题") {
		t.Errorf("a misread: the page says %q", got)
	}
	b.screenshot("paper-misread")

	// From a picture of the paper.
	b.do(chromedp.Navigate(s.url+"/v"), chromedp.SetUploadFiles("#file", []string{s.file(t, "code.png", s.png)}))
	b.until("the picture is judged", `document.querySelector("#answer").className === "green"`)

	for _, sent := range s.requests() {
		if strings.Contains(sent, s.code[:20]) || strings.HasPrefix(sent, "POST") {
			t.Errorf("the page has sent %s", sent)
		}
	}
}

// TestPaperPageAsksBeforeSending: where the verifier cannot run, the page says so, and
// the code goes to the server when the person wants it.
func TestPaperPageAsksBeforeSending(t *testing.T) {
	t.Parallel()
	s := newServiceWith(t, programs(t))
	s.forge(map[string][]byte{"/wasm/webverify.wasm": []byte("not a program")})
	b := newBrowser(t)
	b.do(chromedp.Navigate(s.url+"/v#"+s.code), chromedp.WaitVisible("#instead"))
	b.screenshot("paper-instead")
	for _, sent := range s.requests() {
		if strings.Contains(sent, s.code[:20]) {
			t.Errorf("the page has sent %s before it was asked to", sent)
		}
	}
	b.do(chromedp.Click("#send"))
	b.until("the server has answered", `document.querySelector("#answer").className === "green"`)
}

// TestTornPaper: where no code can be read, the number on the paper is looked up online,
// and the page says so.
func TestTornPaper(t *testing.T) {
	t.Parallel()
	s := newServiceWith(t, programs(t))
	b := newBrowser(t)
	b.do(chromedp.EmulateViewport(390, 844))
	number := s.record.Licence.Number
	for _, tt := range []struct{ holder, zh, facts string }{{"张样例", "有效", "机动车驾驶证"}, {"王样例", "无法判断", ""}} {
		b.do(chromedp.Navigate(s.url+"/v"), chromedp.Click("#torn summary"),
			chromedp.SendKeys("#number", number), chromedp.SendKeys("#holder", tt.holder), chromedp.Click("#lookup-button"))
		b.until("the register has answered", `document.querySelector("#answer").hidden === false`)
		if a := b.shown(); a.ZH != tt.zh || !strings.Contains(a.Facts, tt.facts) {
			t.Errorf("%s: %+v", tt.holder, a)
		}
		if says := b.meaning(); !strings.Contains(says, "联网查询") {
			t.Errorf("the page says %q", says)
		}
		b.screenshot("paper-torn-" + tt.zh)
	}
}
