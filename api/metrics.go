package api

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/tsa"
)

// Metrics are what an operator's monitoring reads. No label holds anything that a
// caller sent: neither numbers nor names.
//
//	elicence_http_requests_total{method,route,code}
//	elicence_http_request_seconds{route}
//	elicence_job_last_success_timestamp_seconds{job}
//	elicence_job_failing{job}      1 after a failure, until the job succeeds again
//	elicence_job_failures_total{job}
//	elicence_events_total{event}   what the office reports, see office.Event
//	elicence_crl_next_update_timestamp_seconds{crl}   when the list in force ends; an alarm watches it
//	elicence_crl_failing{crl}      1 while the list in force is an older one, because a new one could not be made
//	elicence_ocsp_answers_total{outcome}   answered, malformed, internal-error, try-later, unauthorized
//	elicence_time_stamps_total{outcome}    given, refused, failed
//	elicence_clock_proven          1 while time stamps can be given
//	elicence_archive_documents{state}   of the archive: kept; failed: not in order, or not readable
//	elicence_archive_proven_until_timestamp_seconds   when the first proof of the archive ends; an alarm watches it
//
// OCSP requests are counted by their outcome alone, not among the HTTP requests: the
// answer costs less than the rest.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	success  *prometheus.GaugeVec
	failing  *prometheus.GaugeVec
	failures *prometheus.CounterVec
	events   *prometheus.CounterVec

	crlUntil     *prometheus.GaugeVec
	crlFailing   *prometheus.GaugeVec
	ocspOutcomes *prometheus.CounterVec
	ocspAnswered prometheus.Counter // the one of ocspOutcomes that is counted much
	stamps       *prometheus.CounterVec
	clock        prometheus.Gauge
	archive      *prometheus.GaugeVec
	archiveUntil prometheus.Gauge
}

// NewMetrics returns metrics in a registry of their own, with those of the process.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "elicence_http_requests_total", Help: "Requests by method, route and status.",
		}, []string{"method", "route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "elicence_http_request_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
		success: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "elicence_job_last_success_timestamp_seconds", Help: "When a job last succeeded, Unix time.",
		}, []string{"job"}),
		failing: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "elicence_job_failing", Help: "1 from a job's failure to its next success.",
		}, []string{"job"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "elicence_job_failures_total", Help: "Failures of a job.",
		}, []string{"job"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "elicence_events_total", Help: "What an operator must hear of.",
		}, []string{"event"}),
		crlUntil: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "elicence_crl_next_update_timestamp_seconds", Help: "When a revocation list in force ends, Unix time.",
		}, []string{"crl"}),
		crlFailing: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "elicence_crl_failing", Help: "1 while the list in force is an older one, because a new one could not be made.",
		}, []string{"crl"}),
		ocspOutcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "elicence_ocsp_answers_total", Help: "OCSP answers and refusals.",
		}, []string{"outcome"}),
		stamps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "elicence_time_stamps_total", Help: "Time stamps given, refused, and failed by our own fault.",
		}, []string{"outcome"}),
		clock: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "elicence_clock_proven", Help: "1 while time stamps can be given.",
		}),
		archive: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "elicence_archive_documents", Help: "Documents of the archive: kept, and failed.",
		}, []string{"state"}),
		archiveUntil: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "elicence_archive_proven_until_timestamp_seconds", Help: "When the first proof of the archive ends, Unix time.",
		}),
	}
	m.ocspAnswered = m.ocspOutcomes.WithLabelValues("answered")
	m.registry.MustRegister(
		m.requests, m.seconds, m.success, m.failing, m.failures, m.events,
		m.crlUntil, m.crlFailing, m.ocspOutcomes, m.stamps, m.clock, m.archive, m.archiveUntil,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	for _, e := range office.Events() {
		m.events.WithLabelValues(string(e)) // at 0 from the start, so that an alarm sees the first
	}
	return m
}

// Handler serves the metrics. They are for the operator's own network.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return mux
}

// Observe counts what an office reports.
func (m *Metrics) Observe(e office.Event) { m.events.WithLabelValues(string(e.Kind)).Inc() }

// crl notes how the publication of a list went, and until when the one in force is.
func (m *Metrics) crl(r crl.Report) {
	failing := 0.0
	if r.Err != nil {
		failing = 1
	}
	m.crlFailing.WithLabelValues(r.Name).Set(failing)
	if !r.NextUpdate.IsZero() {
		m.crlUntil.WithLabelValues(r.Name).Set(float64(r.NextUpdate.Unix()))
	}
}

// archived notes how the archive is.
func (m *Metrics) archived(s archiveState) {
	m.archive.WithLabelValues("kept").Set(float64(s.kept))
	m.archive.WithLabelValues("failed").Set(float64(s.failed))
	if !s.until.IsZero() {
		m.archiveUntil.Set(float64(s.until.Unix()))
	}
}

// ocsp counts a refusal.
func (m *Metrics) ocsp(r ocsp.Refusal) {
	outcome := map[ocsp.Refusal]string{
		ocsp.MalformedRequest: "malformed", ocsp.InternalError: "internal-error", ocsp.TryLater: "try-later", ocsp.Unauthorized: "unauthorized",
	}[r]
	m.ocspOutcomes.WithLabelValues(outcome).Inc()
}

// stamp counts how a request for a time stamp ended.
func (m *Metrics) stamp(err error) {
	var refusal *tsa.Refusal
	switch {
	case err == nil:
		m.stamps.WithLabelValues("given").Inc()
	case errors.As(err, &refusal) && (refusal.Err == nil || refusal.Failure == tsa.TimeNotAvailable):
		m.stamps.WithLabelValues("refused").Inc()
	default:
		m.stamps.WithLabelValues("failed").Inc()
	}
}

// job notes how a job went.
func (m *Metrics) job(name string, err error) {
	if err != nil {
		m.failures.WithLabelValues(name).Inc()
		m.failing.WithLabelValues(name).Set(1)
		return
	}
	m.failing.WithLabelValues(name).Set(0)
	m.success.WithLabelValues(name).SetToCurrentTime()
}

// observe measures requests by their route, never by their path.
func (m *Metrics) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		err := next(c)
		if err != nil {
			c.Error(err)
		}
		route := c.Path()
		if route == "" {
			route = "none"
		}
		m.requests.WithLabelValues(c.Request().Method, route, strconv.Itoa(c.Response().Status)).Inc()
		m.seconds.WithLabelValues(route).Observe(time.Since(start).Seconds())
		return nil
	}
}
