package api_test

import (
	"slices"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// faults are what keeps somebody out of a page: text that is hard to see, controls
// without a name or too small for a finger, a page without a language, English that a
// Chinese voice would read, something wider than the screen. (The contrast is that of
// WCAG 2.1, level AA.)
const faults = `(() => {
	const found = [];
	const visible = (e) => e.checkVisibility({checkVisibilityCSS: true}) && !e.closest(".unseen");
	const parse = (c) => { const [r, g, b, a = 1] = c.match(/[\d.]+/g).map(Number); return {r, g, b, a}; };
	const ground = (e) => {
		for (let at = e; at; at = at.parentElement) { const c = parse(getComputedStyle(at).backgroundColor); if (c.a > 0.99) return c; }
		return {r: 255, g: 255, b: 255};
	};
	const light = ({r, g, b}) => [r, g, b].map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
	if (document.documentElement.lang !== "zh-CN") found.push("the page has no language");
	if (document.querySelectorAll("h1").length !== 1) found.push("not one heading of the first level");
	if (document.documentElement.scrollWidth > innerWidth) found.push("wider than the screen: " + document.documentElement.scrollWidth);
	for (const e of document.querySelectorAll("body *")) {
		if (!visible(e)) continue;
		const own = [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent.trim()).join(" ");
		if (own && !e.disabled) {
			const style = getComputedStyle(e), size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
			const ratio = contrast(parse(style.color), ground(e));
			if (ratio < (large ? 3 : 4.5)) found.push("contrast " + ratio.toFixed(2) + ": " + own.slice(0, 30));
			if (/^[A-Za-z ,.;:']{12,}$/.test(own) && !e.closest("[lang=en]")) found.push("English without its language: " + own);
		}
		if (e.matches("button, a, input, textarea, summary, select")) {
			const name = e.innerText || e.getAttribute("aria-label") || e.labels?.[0]?.innerText;
			if (!name?.trim()) found.push("no name: " + e.outerHTML.slice(0, 60));
			const box = e.closest("label") ?? e, {width, height} = box.getBoundingClientRect();
			if (!e.matches("a, summary") && (width < 44 || height < 44)) found.push("too small: " + Math.round(width) + " by " + Math.round(height) + " " + (e.id || e.outerHTML.slice(0, 40)));
		}
	}
	for (const e of document.querySelectorAll("dd")) {
		if (visible(e) && e.innerText && e.clientWidth < Math.min(5, e.innerText.length) * parseFloat(getComputedStyle(e).fontSize) * 0.5) found.push("squeezed: " + e.innerText);
		if (visible(e) && e.scrollWidth > e.clientWidth + 1) found.push("cut off: " + e.innerText);
	}
	for (const id of [...document.querySelectorAll("[id]")].map((e) => e.id)) if (document.querySelectorAll("#" + id).length > 1) found.push("id twice: " + id);
	return found;
})()`

// TestPagesForEverybody looks for faults on every page, with an answer of each colour, on
// a phone and on a desk, in light and dark, with large type.
func TestPagesForEverybody(t *testing.T) {
	t.Parallel()
	s := newServiceWith(t, programs(t))
	b := newBrowser(t)
	for _, screen := range []struct {
		name          string
		width, height int64
		dark, large   bool
	}{{"phone", 390, 844, false, false}, {"desk", 1280, 800, true, false}, {"large type", 390, 844, true, true}} {
		scheme := "light"
		if screen.dark {
			scheme = "dark"
		}
		if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		}); err != nil {
			t.Fatal(err)
		}
		look := func(what string) {
			t.Helper()
			if screen.large {
				ask(b, chromedp.Evaluate[bool](`(document.documentElement.style.fontSize = "200%", true)`))
			}
			if found := ask(b, chromedp.Evaluate[[]string](faults)); len(found) > 0 {
				slices.Sort(found)
				t.Errorf("%s, %s: %q", what, screen.name, slices.Compact(found))
			}
			b.screenshot("look-" + screen.name + "-" + what)
		}
		b.do(chromedp.EmulateViewport(screen.width, screen.height))
		b.do(chromedp.Navigate(s.url+"/verify"), chromedp.WaitVisible("#code"))
		look("verify")
		b.do(chromedp.Navigate(s.url + "/v#" + s.code))
		b.until("there is an answer", `document.querySelector("#answer").className === "green"`)
		look("paper")
		b.do(chromedp.Navigate(s.localhost()+"/wallet"), chromedp.WaitVisible("#bind"))
		look("wallet")
		b.openHall(s.url)
		look("hall")
		for colour, code := range map[string]string{"green": s.code, "amber": s.code[1:]} {
			if a := b.scan(code); a.Colour != colour {
				t.Errorf("%+v, want %s", a, colour)
			}
			look("hall " + colour)
		}
		// Everything behind a summary as well.
		ask(b, chromedp.Evaluate[bool](`(document.querySelectorAll("details").forEach((e) => { e.open = true; }), document.querySelector("#answer").className = "red", true)`))
		look("hall all")
	}
}

// TestHallKeyboardOnly: without a pointer everything can be reached in the order in which
// it is seen, and the Enter at the end of a scan presses no button that has the focus.
func TestHallKeyboardOnly(t *testing.T) {
	t.Parallel()
	s := newServiceWith(t, programs(t))
	b := newBrowser(t)
	b.openHall(s.url)
	var order []string
	for range 6 {
		b.do(chromedp.KeyEvent("\t"))
		order = append(order, ask(b, chromedp.Evaluate[string](`document.activeElement.id || document.activeElement.innerText`)))
	}
	want := []string{"camera-button", "file", "ask-button", "sound-button", "update-button", "手工输入 Type a code"}
	if !slices.Equal(order, want) {
		t.Errorf("the focus goes to %q, want %q", order, want)
	}
	ask(b, chromedp.Evaluate[bool](`(document.querySelector("#sound-button").focus(), true)`))
	before := ask(b, chromedp.Evaluate[string](`document.querySelector("#sound-button").getAttribute("aria-pressed")`))
	if a := b.types(s.code); a.ZH != "有效" {
		t.Errorf("%+v", a)
	}
	if after := ask(b, chromedp.Evaluate[string](`document.querySelector("#sound-button").getAttribute("aria-pressed")`)); after != before {
		t.Error("the scan has pressed the button that had the focus")
	}
	if live := ask(b, chromedp.Evaluate[bool](`document.querySelector("#answer").closest("[aria-live=assertive]").innerText.includes("有效")`)); !live {
		t.Error("the verdict is not in a live region")
	}
}
