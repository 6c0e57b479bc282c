package civil

import (
	"testing"
	"time"
)

func TestDay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want Day
	}{
		{"1970-01-01", 0}, {"1969-12-31", -1}, {"1850-01-01", minDay}, {"9999-12-31", maxDay}, {"2024-02-29", 19782},
	} {
		got, err := Parse(tt.text)
		if err != nil || got != tt.want {
			t.Errorf("Parse(%s) = %d, %v, want %d", tt.text, got, err, tt.want)
		}
		if got.String() != tt.text {
			t.Errorf("Day(%d).String() = %s, want %s", got, got, tt.text)
		}
		if back := FromDate(got.Date()); back != got {
			t.Errorf("FromDate(Date(%d)) = %d", got, back)
		}
	}
	for _, bad := range []string{"", "2023-02-29", "1849-12-31", "2024-1-1", "10000-01-01", "2024-01-01T00:00:00Z"} {
		if d, err := Parse(bad); err == nil {
			t.Errorf("Parse(%q) = %d, want an error", bad, d)
		}
	}
}

// TestEdges: the day begins at 16:00 UTC of the day before.
func TestEdges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ at, want string }{
		{"2024-01-31T15:59:59Z", "2024-01-31"},
		{"2024-01-31T16:00:00Z", "2024-02-01"},
		{"1969-12-31T15:59:59Z", "1969-12-31"},
		{"1969-12-31T16:00:00Z", "1970-01-01"},
		{"1900-01-01T00:00:00Z", "1900-01-01"},
	} {
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		day := Of(at)
		if day.String() != tt.want {
			t.Errorf("Of(%s) = %s, want %s", tt.at, day, tt.want)
		}
		if at.Before(day.Start()) || at.After(day.End()) {
			t.Errorf("%s is not within %s … %s", tt.at, day.Start(), day.End())
		}
		if Of(day.Start().Add(-time.Second)) != day-1 || Of(day.End().Add(time.Second)) != day+1 {
			t.Errorf("the edges of %s are off", day)
		}
	}
}
