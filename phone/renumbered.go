package phone

// Countries have put digits into the numbers of their mobile phones, and networks,
// address books and backends take the old number for the new one. Both are readings
// of each, since both are one phone: no second subscriber can have the other.

// withRenumbered appends to numbers the other form of each since numbers[start:].
func withRenumbered(numbers []Number, start int) []Number {
	for i, end := start, len(numbers); i < end; i++ {
		if other, ok := renumbered(numbers[i]); ok {
			numbers = include(numbers, start, other)
		}
	}
	return numbers
}

// renumbered is the other form of a number that has two.
func renumbered(n Number) (other Number, ok bool) {
	if n.n < 11 || n.digits[0] != '5' && n.digits[0] != '2' {
		return n, false
	}
	d := string(n.digits[:n.n])
	switch {
	case d[:2] == "54" && len(d) == 13 && d[2] == '9': // Argentina: 9 marks mobiles called from abroad
		return join("54", d[3:])
	case d[:2] == "54" && len(d) == 12 && d[2] != '9':
		return join("549", d[2:])
	case d[:2] == "55" && len(d) == 13 && d[4] == '9' && d[5] >= '6': // Brazil: 9 before mobiles, 2012 to 2016
		return join(d[:4], d[5:])
	case d[:2] == "55" && len(d) == 12 && d[4] >= '6':
		return join(d[:4]+"9", d[4:])
	case len(d) == 13 && d[:5] == "22901": // Benin: 01 before all, November 2024
		return join("229", d[5:])
	case len(d) == 11 && d[:3] == "229":
		return join("22901", d[3:])
	}
	return n, false
}

// SameSubscriber reports whether a and b are one phone: equal, or the old and the new
// form of a number that was renumbered.
func SameSubscriber(a, b Number) bool {
	other, ok := renumbered(a)
	return a == b || ok && other == b
}
