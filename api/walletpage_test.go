package api_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/verify"
)

// bindingCode is what the holder gets at a counter.
func (s *service) bindingCode(tb testing.TB) string {
	tb.Helper()
	binding, err := s.fixture.Office.OfferBinding(context.Background(), "test", s.record)
	if err != nil {
		tb.Fatal(err)
	}
	return binding.Code.Digits()
}

// localhost is the service under the name that its printed codes have.
func (s *service) localhost() string { return strings.Replace(s.url, "127.0.0.1", "localhost", 1) }

// bindLicence binds the licence in the wallet's page, as from the picture of the code.
func (b *browser) bindLicence(s *service) {
	b.tb.Helper()
	b.do(chromedp.Navigate(s.localhost() + "/wallet#" + s.bindingCode(b.tb)))
	// With the list the button moves, and a click goes to a place.
	b.until("the number is in the form", `document.querySelector("#code").value.length > 16 && location.hash === "" && document.querySelector("#list").children.length > 0`)
	b.do(chromedp.Click("#bind-button"))
	b.until("the licence is there", `document.querySelector(".licence") !== null`)
}

// slip types a binding number with one digit wrong, which the page finds by itself.
func (b *browser) slip(s *service) {
	b.tb.Helper()
	digits := s.bindingCode(b.tb)
	wrong := digits[:3] + string('0'+(digits[3]-'0'+1)%10) + digits[4:]
	b.do(chromedp.SetValue("#code", wrong), chromedp.Click("#bind-button"))
	b.until("the slip is found", `document.querySelector("#alarm").innerText.includes("绑定码有误")`)
	if sent := b.requests(func(r *network.Request) bool { return r.Method == "POST" }); len(sent) > 0 {
		b.tb.Errorf("a slip is sent: %v", sent)
	}
}

// shownCode opens the licence and returns the digits of the code on the screen.
func (b *browser) shownCode() string {
	b.tb.Helper()
	b.until("a code is shown", `(document.querySelector("#symbol")?.dataset.code ?? "") !== ""`)
	return ask(b, chromedp.Evaluate[string](`document.querySelector("#symbol").dataset.code`))
}

// TestWalletPage: a licence is bound in the browser, shown without a network, accepted at
// a counter once, and refused after it was suspended.
func TestWalletPage(t *testing.T) {
	t.Parallel()
	s := newServiceWith(t, programs(t))
	phone := newBrowser(t, chromedp.WindowSize(390, 844))
	phone.do(chromedp.EmulateViewport(390, 844))
	phone.do(chromedp.Navigate(s.localhost()+"/wallet"), chromedp.WaitVisible("#bind"))
	phone.screenshot("wallet-empty")
	phone.slip(s)
	phone.bindLicence(s)
	phone.screenshot("wallet-list")
	phone.do(chromedp.Click(".licence"))
	code := phone.shownCode()
	phone.screenshot("wallet-code")

	// The counter's data are of after the binding.
	if _, err := s.fixture.Office.Publish(context.Background(), "test"); err != nil {
		t.Fatal(err)
	}
	counter := newBrowser(t)
	counter.openHall(s.url)
	if a := counter.scan(code); a.ZH != "有效" || !strings.Contains(a.Facts, "张样例") {
		t.Errorf("shown at the counter: %+v", a)
	}
	// Someone else with a photograph of it, after the counter was opened again.
	counter.openHall(s.url)
	counter.until("a moment later than a scanner reads twice", fmt.Sprintf("(window.since ??= Date.now()) < Date.now() - %d", 3500))
	if a := counter.scan(code); a.ZH != "此码已被使用" || a.Colour != "red" {
		t.Errorf("shown again: %+v", a)
	}

	// Without a network the phone makes another, with fewer words.
	phone.until("it works without a network", `!document.querySelector("#works-offline").hidden`)
	s.cutNetwork(true)
	phone.do(chromedp.Navigate(s.localhost()+"/wallet"), chromedp.WaitVisible(".licence"), chromedp.Click(".licence"))
	phone.shownCode()
	ask(phone, chromedp.Evaluate[bool](`(() => { delete document.querySelector("#symbol").dataset.code; document.querySelectorAll("[name=profile]")[2].click(); return true; })()`))
	minimal := phone.shownCode()
	s.cutNetwork(false)
	if a := counter.scan(minimal); a.ZH != "有效" || strings.Contains(a.Facts, "张样例") {
		t.Errorf("as little as possible: %+v", a)
	}

	// With a network, chosen items only.
	ask(phone, chromedp.Evaluate[bool](`(() => {
		delete document.querySelector("#symbol").dataset.code;
		document.querySelector("#choosing").open = true;
		document.querySelector("#choice-list [value=holder]").click();
		document.querySelector("#choices").requestSubmit();
		return true;
	})()`))
	chosen := phone.shownCode()
	phone.screenshot("wallet-chosen")
	if a := counter.scan(chosen); a.ZH != "有效" || !strings.Contains(a.Facts, "张样例") || strings.Contains(a.Facts, "编号") {
		t.Errorf("chosen items: %+v", a)
	}

	ctx := context.Background()
	if _, err := s.fixture.Office.Step(ctx, "test", s.record.Licence.Identifier, licence.Suspend, "调查"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.fixture.Office.Publish(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	counter.update()
	phone.do(chromedp.Navigate(s.localhost()+"/wallet"), chromedp.WaitVisible(".licence"), chromedp.Click(".licence"))
	if a := counter.scan(phone.shownCode()); !strings.HasPrefix(a.ZH, "已暂扣") {
		t.Errorf("after the suspension: %+v", a)
	}
}

// symbolOf returns the picture of a symbol on the page, as a camera would have it.
func (b *browser) symbolOf(canvas string) []byte {
	b.tb.Helper()
	b.until("the symbol is drawn", `(document.querySelector("`+canvas+`")?.dataset.code ?? "") !== ""`)
	url := ask(b, chromedp.Evaluate[string](`document.querySelector("`+canvas+`").toDataURL("image/png")`))
	picture, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(url, "data:image/png;base64,"))
	if err != nil {
		b.tb.Fatal(err)
	}
	return picture
}

// TestTwoWay: the counter asks, the phone shows who asks, answers, and the counter takes
// this answer and no other.
func TestTwoWay(t *testing.T) {
	t.Parallel()
	s := newServiceWith(t, programs(t))
	phone := newBrowser(t)
	phone.do(chromedp.EmulateViewport(390, 844))
	phone.bindLicence(s)
	if _, err := s.fixture.Office.Publish(context.Background(), "test"); err != nil {
		t.Fatal(err)
	}
	counter := newBrowser(t)
	counter.openHall(s.url)
	named := func(name string) chromedp.Action[chromedp.Void] {
		return chromedp.Steps(chromedp.SetValue("#hall-name", name), chromedp.Click("#asking button[type=submit]"))
	}
	counter.do(chromedp.Click("#ask-button"), named("合肥市政务大厅三号窗口"))
	counter.until("a name of 11 characters is refused", `document.querySelector("#asking [role=status]").innerText.includes("最多 10 个汉字")`)
	counter.do(named("合肥市大厅三号窗口"))
	question := counter.symbolOf("#asking canvas")
	counter.screenshot("hall-asking")

	phone.do(chromedp.Click(".licence"))
	unasked := phone.shownCode()
	ask(phone, chromedp.Evaluate[bool](`(() => { delete document.querySelector("#symbol").dataset.code; document.querySelector("#answer-hall").click(); return true; })()`))
	phone.do(chromedp.SetUploadFiles("#scanner #file", []string{s.file(t, "question.png", question)}), chromedp.WaitVisible("#agree"))
	if says := ask(phone, chromedp.Text("#scanner-says")); !strings.Contains(says, "合肥市大厅三号窗口") {
		t.Errorf("the phone says %q", says)
	}
	phone.screenshot("wallet-asked")
	phone.do(chromedp.Click("#agree"))
	phone.until("the hall's name is shown", `document.querySelector("#asked-by").innerText.includes("合肥市大厅三号窗口")`)
	answer := phone.shownCode()
	phone.screenshot("wallet-answer")

	// A scanner's keys go to the page, not into a field.
	ask(counter, chromedp.Evaluate[bool](`(document.activeElement.blur(), true)`))
	if a := counter.scan(unasked); a.ZH == "有效" {
		t.Errorf("a code that answers nothing: %+v", a)
	}
	if a := counter.scan(answer); a.ZH != "有效" {
		t.Errorf("the answer: %+v", a)
	}
	counter.until("the question is gone", `document.querySelector("#asking").hidden`)
}

// inWallet is what the page keeps of its licence: when to renew it, and the end of its first
// credential. Nothing, where none is bound.
func (b *browser) inWallet() (renewAt, expires string) {
	b.tb.Helper()
	kept := ask(b, chromedp.Evaluate[[]string](`(async () => {
		const { Database } = await import("/static/database.js");
		const [one] = (await new Database("elicence-wallet").all()).filter((one) => one.licence);
		return one ? [one.renewAt, one.credentials[0].expires] : [];
	})()`, chromedp.EvalAwaitPromise))
	if len(kept) != 2 {
		return "", ""
	}
	return kept[0], kept[1]
}

// TestWalletRenews: a phone that is opened in the last days of its credential gets a new one
// by itself, which a counter accepts after the end of the old.
func TestWalletRenews(t *testing.T) {
	t.Parallel()
	var passed atomic.Int64 // of time, in nanoseconds
	now := func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	s := newServiceAt(t, programs(t), now)
	phone := newBrowser(t)
	phone.do(chromedp.EmulateViewport(390, 844))
	phone.bindLicence(s)
	renewAt, expires := phone.inWallet()
	end, err := time.Parse(time.RFC3339, expires)
	if err != nil {
		t.Fatal(err)
	}
	open := func() {
		t.Helper()
		phone.do(chromedp.Navigate(s.localhost()+"/wallet"), chromedp.WaitVisible(".licence"))
	}
	open()
	if again, _ := phone.inWallet(); again != renewAt {
		t.Errorf("renewed on the first day: %s, then %s", renewAt, again)
	}
	passed.Store(int64(time.Until(end) - 12*time.Hour))
	open()
	phone.until("the credential is renewed", `(async () => {
		const { Database } = await import("/static/database.js");
		const [one] = (await new Database("elicence-wallet").all()).filter((one) => one.licence);
		return one.renewAt !== "`+renewAt+`";
	})()`)
	if _, renewed := phone.inWallet(); renewed <= expires {
		t.Errorf("the credential ends at %s, before it was renewed at %s", renewed, expires)
	}
	passed.Store(int64(time.Until(end) + 12*time.Hour))
	open()
	// By script, in one go: the list may be drawn anew just now.
	ask(phone, chromedp.Evaluate[bool](`(document.querySelector(".licence").click(), true)`))
	code := phone.shownCode()
	if _, err := s.fixture.Office.Publish(context.Background(), "test"); err != nil {
		t.Fatal(err)
	}
	inspector, err := s.fixture.Office.Inspector(context.Background(), second.Opinion{})
	if err != nil {
		t.Fatal(err)
	}
	if found := inspector.Code(code); found.Verdict != verify.Valid {
		t.Errorf("after the end of the old credential: %s (%s)", found.Verdict, found.Cause)
	}
}

// TestWalletRemoves: it takes two presses, the phone keeps nothing, and what it had shown
// counts no more.
func TestWalletRemoves(t *testing.T) {
	t.Parallel()
	s := newServiceWith(t, programs(t))
	phone := newBrowser(t)
	phone.do(chromedp.EmulateViewport(390, 844))
	phone.bindLicence(s)
	phone.do(chromedp.Click(".licence"))
	code := phone.shownCode()
	press := chromedp.Evaluate[bool](`(document.querySelector("#remove").click(), true)`)
	ask(phone, press)
	if renewAt, _ := phone.inWallet(); renewAt == "" {
		t.Fatal("removed by one press")
	}
	ask(phone, press)
	phone.until("the list is empty", `document.querySelector(".licence") === null && !document.querySelector("#list").hidden`)
	if renewAt, _ := phone.inWallet(); renewAt != "" {
		t.Error("the phone keeps something")
	}
	if left := ask(phone, chromedp.Evaluate[string](`document.querySelector("#symbol").dataset.code ?? ""`)); left != "" {
		t.Error("the code is still on the page")
	}
	ctx := context.Background()
	if _, err := s.fixture.Office.Publish(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	inspector, err := s.fixture.Office.Inspector(ctx, second.Opinion{})
	if err != nil {
		t.Fatal(err)
	}
	if found := inspector.Code(code); found.Verdict != verify.Revoked {
		t.Errorf("what the phone had shown: %s (%s), want revoked", found.Verdict, found.Cause)
	}
	if found := inspector.Code(s.code); found.Verdict != verify.Valid {
		t.Errorf("the paper: %s (%s)", found.Verdict, found.Cause)
	}
}
