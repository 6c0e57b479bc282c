// Package civil counts civil days in China Standard Time (UTC+8, no daylight
// saving), which is how licences are dated: a licence is valid from 00:00 of its
// first day through 23:59:59 of its last.
package civil

import (
	"errors"
	"time"
)

// Zone is China Standard Time.
var Zone = time.FixedZone("CST", 8*60*60)

// Day is a civil day, counted from 1970-01-01 = 0. Earlier days are negative.
type Day int64

const secondsPerDay = 24 * 60 * 60

// First and last day that can be written with a four-digit year and occur on
// licences.
const (
	minDay Day = -43829  // 1850-01-01
	maxDay Day = 2932896 // 9999-12-31
)

// Of returns the civil day of an instant.
func Of(t time.Time) Day {
	return dayAt(t.Unix() + 8*60*60)
}

// dayAt divides seconds since 1970 into days, rounding down before 1970 too.
func dayAt(seconds int64) Day {
	if seconds < 0 {
		seconds -= secondsPerDay - 1
	}
	return Day(seconds / secondsPerDay)
}

// Parse reads a day written 2006-01-02, from 1850 to 9999.
func Parse(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, errors.New("not a date such as 2024-01-31")
	}
	d := dayAt(t.Unix())
	if !d.Valid() {
		return 0, errors.New("a date before 1850")
	}
	return d, nil
}

// Valid reports whether the day is in the years 1850 to 9999.
func (d Day) Valid() bool { return d >= minDay && d <= maxDay }

// String returns the day as 2006-01-02.
func (d Day) String() string { return d.Date().Format(time.DateOnly) }

// Date returns the day at midnight UTC, for calendar arithmetic with package
// time; [Of] is not its inverse, [FromDate] is.
func (d Day) Date() time.Time { return time.Unix(int64(d)*secondsPerDay, 0).UTC() }

// FromDate takes the year, month and day of t as they stand, whatever its zone.
func FromDate(t time.Time) Day {
	return dayAt(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix())
}

// Start returns the first instant of the day.
func (d Day) Start() time.Time { return time.Unix(int64(d)*secondsPerDay-8*60*60, 0).UTC() }

// End returns the last second of the day.
func (d Day) End() time.Time { return (d + 1).Start().Add(-time.Second) }
