package phone

import "strings"

// filteredWords are what filters against scripts and SQL take out of every argument: the
// servlet wrappers and killChars that many programs have copied, in lower case.
var filteredWords = [...]string{
	"javascript", "vbscript", "expression", "script", "eval", "onload", "select", "insert", "delete", "update", "union", "drop", "xp_",
}

// minFiltered is the fewest characters of a plain name in which such a word is looked for: the
// shortest, and a name around it that somebody may have.
const minFiltered = 8

// WithoutFilteredWords is a text in lower case without the words that such filters take out,
// and with them what stands in parentheses behind, and whether there were any.
func WithoutFilteredWords(text string) (cut string, ok bool) {
	cut = text
	for _, word := range filteredWords {
		for at := strings.Index(cut, word); at >= 0; at = strings.Index(cut, word) {
			behind := cut[at+len(word):]
			if strings.HasPrefix(behind, "(") {
				behind = behind[strings.IndexByte(behind, ')')+1:]
			}
			cut, ok = cut[:at]+strings.TrimPrefix(behind, ":"), true
		}
	}
	return cut, ok
}
