package api_test

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// BenchmarkBrowser measures in Chromium: the first verdict after the page was asked for
// with nothing cached, and every further code (milliseconds each).
func BenchmarkBrowser(b *testing.B) {
	s := newServiceWith(b, programs(b))
	for b.Loop() {
		page := newBrowser(b)
		page.do(chromedp.Navigate(s.url + "/v#" + s.code))
		page.until("there is an answer", `document.querySelector("#answer")?.className === "green"`)
		first := ask(page, chromedp.Evaluate[float64](`performance.getEntriesByName("first-verdict")[0].startTime`))
		each := ask(page, chromedp.Evaluate[float64](`(async () => {
			const { Asked } = await import("/static/worker.js");
			const verifier = new Asked("verifier-worker.js", "webverify"), code = "`+s.code+`";
			await verifier.ask("refresh");
			const start = performance.now();
			for (let i = 0; i < 200; i++) await verifier.ask("verify", code);
			return (performance.now() - start) / 200;
		})()`, chromedp.EvalAwaitPromise))
		b.ReportMetric(first, "first-ms")
		b.ReportMetric(each, "code-ms")
	}
}
