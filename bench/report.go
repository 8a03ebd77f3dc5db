package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// row is one figure of the table.
type row struct {
	figure    string
	value     float64
	low, high float64 // the half of the rounds around the median; both 0 for a single value
	unit      string
	goal      goal
	note      string
}

// goal is a bound; its zero value means that a figure is for information.
type goal struct {
	bound   float64
	atLeast bool
}

func atLeast(x float64) goal { return goal{x, true} }
func atMost(x float64) goal  { return goal{x, false} }

func (g goal) String() string {
	switch {
	case g == goal{}:
		return ""
	case g.atLeast:
		return ">= " + number(g.bound)
	default:
		return "<= " + number(g.bound)
	}
}

func (r row) met() string {
	switch {
	case r.goal == goal{}:
		return ""
	case r.goal.atLeast == (r.value >= r.goal.bound) || r.value == r.goal.bound:
		return "yes"
	default:
		return "no"
	}
}

// rowOf is a row for a series.
func rowOf(figure string, s series, unit string, g goal, note string) row {
	low, high := s.spread()
	return row{figure, s.median(), low, high, unit, g, note}
}

// report is the table, in sections.
type report struct {
	sections []section
}

type section struct {
	title string
	rows  []row
}

func (r *report) add(title string, rows ...row) {
	r.sections = append(r.sections, section{title, rows})
}

// print writes the table as text that is Markdown as well.
func (r *report) print(w io.Writer) error {
	for _, s := range r.sections {
		fmt.Fprintf(w, "\n### %s\n\n", s.title)
		t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
		fmt.Fprintf(t, "| figure\t| median\t| middle half\t| goal\t| met\t| note\t|\n|---\t|---\t|---\t|---\t|---\t|---\t|\n")
		for _, row := range s.rows {
			between := ""
			if row.low != row.high {
				between = number(row.low) + " .. " + number(row.high)
			}
			value := strings.TrimSpace(number(row.value) + " " + row.unit)
			if row.unit == "" && row.value == 0 {
				value = "" // there is none
			}
			fmt.Fprintf(t, "| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t|\n", row.figure, value, between, row.goal, row.met(), row.note)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// number is x with three digits that count, and with separated thousands.
func number(x float64) string {
	switch {
	case x == 0:
		return "0"
	case x >= 1000:
		return thousands(int64(x + 0.5))
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	default:
		return fmt.Sprintf("%.3g", x)
	}
}

func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
