package api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/elicence/elicence/licence"
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
	b.until("the number is in the form", `document.querySelector("#code").value.length > 16 && location.hash === ""`)
	b.do(chromedp.Click("#bind-button"))
	b.until("the licence is there", `document.querySelector(".licence") !== null`)
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
