package main

import (
	"fmt"
	"html"
	"os"
	"strings"
)

// plot draws the figures that are ratios with a goal as bars, with the goal as a
// line across each, into an SVG file.
func (r *report) plot(file, caption string) error {
	type bar struct {
		row
		section string
	}
	var bars []bar
	for _, s := range r.sections {
		for _, row := range s.rows {
			if row.unit == "" && row.value > 0 {
				bars = append(bars, bar{row, s.title})
			}
		}
	}
	const (
		left, width, high, top = 430, 420, 26, 56
		most                   = 1.6 // what the axis shows
	)
	x := func(v float64) float64 { return left + min(v, most)/most*width }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n",
		left+width+70, top+high*len(bars)+34)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="white"/>`+"\n")
	fmt.Fprintf(&b, `<text x="10" y="20" font-size="15">Ratios of one run; the dark line is the goal</text>`+"\n")
	fmt.Fprintf(&b, `<text x="10" y="38" fill="#666">%s</text>`+"\n", html.EscapeString(caption))
	for i, bar := range bars {
		y := float64(top + i*high)
		colour := "#7a9cc6"
		switch bar.met() {
		case "yes":
			colour = "#5a9e6f"
		case "no":
			colour = "#c97b4a"
		}
		fmt.Fprintf(&b, `<text x="%d" y="%.0f" text-anchor="end">%s</text>`+"\n", left-8, y+16, html.EscapeString(bar.figure))
		fmt.Fprintf(&b, `<rect x="%d" y="%.0f" width="%.1f" height="%d" fill="%s"/>`+"\n", left, y+3, x(bar.value)-left, high-8, colour)
		if bar.low != bar.high {
			fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%.0f" y2="%.0f" stroke="#333"/>`+"\n", x(bar.low), x(bar.high), y+12, y+12)
		}
		if bar.goal != (goal{}) {
			fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%.0f" y2="%.0f" stroke="black" stroke-width="2"/>`+"\n", x(bar.goal.bound), x(bar.goal.bound), y, y+high-2)
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%.0f">%s</text>`+"\n", max(x(bar.value), x(bar.high), x(bar.goal.bound))+6, y+16, number(bar.value))
	}
	for v := 0.0; v <= most; v += 0.2 {
		y := top + high*len(bars)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle" fill="#666">%.1f</text>`+"\n", x(v), y+20, v)
	}
	b.WriteString("</svg>\n")
	return os.WriteFile(file, []byte(b.String()), 0o644)
}
