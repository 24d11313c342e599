package config

import (
	"errors"
	"fmt"
	"strings"
)

// expand puts variables in: ${NAME}, or ${NAME:-default} where NAME is not set or
// empty. $$ is a dollar sign, and so is one that no brace follows. What a variable
// holds is not looked at again. It reports whether there was a variable.
func expand(s string, getenv func(string) (string, bool)) (string, bool, error) {
	if !strings.Contains(s, "$") {
		return s, false, nil
	}
	var out strings.Builder
	found := false
	for {
		before, after, ok := strings.Cut(s, "$")
		out.WriteString(before)
		switch {
		case !ok:
			return out.String(), found, nil
		case strings.HasPrefix(after, "$"):
			out.WriteByte('$')
			s = after[1:]
			continue
		case !strings.HasPrefix(after, "{"):
			out.WriteByte('$')
			s = after
			continue
		}
		expression, rest, closed := strings.Cut(after[1:], "}")
		if !closed {
			return "", true, errors.New("has ${ without }: write ${NAME}, or $${ for the text ${")
		}
		text, err := lookUp(expression, getenv)
		if err != nil {
			return "", true, err
		}
		out.WriteString(text)
		s, found = rest, true
	}
}

func lookUp(expression string, getenv func(string) (string, bool)) (string, error) {
	name, fallback, hasFallback := strings.Cut(expression, ":-")
	if !isName(name) {
		return "", errors.New("has ${…} around what is no name of a variable: write ${NAME} or ${NAME:-default}, or $${ for the text ${")
	}
	text, set := getenv(name)
	switch {
	case set && (text != "" || !hasFallback):
		return text, nil
	case hasFallback:
		return fallback, nil
	}
	return "", fmt.Errorf("needs ${%s}, which is not set in the environment: set it, or write ${%s:-default}", name, name)
}

// isName reports whether a shell would take s for a variable.
func isName(s string) bool {
	for i, c := range []byte(s) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
