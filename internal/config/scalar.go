package config

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"tidemark/internal/store"
)

// scalar is a value that is one text, with variables put in.
type scalar struct {
	text   string
	source string // as it is shown: what the file says, variables named and not put in
	quoted bool   // and so a text, unless it is a variable
	isText bool   // not a number, true, false or null in YAML's eyes
	env    bool   // variables were put in
}

// scalar reads a value that is one text. want says in a fault what to write.
func (v value) scalar(want string) (scalar, bool) {
	var s scalar
	switch n := v.node.(type) {
	case *ast.StringNode:
		t := n.GetToken().Type
		s = scalar{text: n.Value, quoted: t == token.SingleQuoteType || t == token.DoubleQuoteType, isText: true}
	case *ast.LiteralNode:
		s = scalar{text: n.Value.Value, quoted: true, isText: true}
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		s = scalar{text: n.GetToken().Value}
	default:
		text, ok := v.glued()
		if !ok {
			v.fault("is %s: write %s", v.kind(), want)
			return s, false
		}
		s = scalar{text: text, isText: true}
	}
	s.source = s.text
	text, env, err := expand(s.text, v.r.lookUp)
	if err != nil {
		v.fault("%v", err)
		return s, false
	}
	s.text, s.env = text, env
	return s, true
}

// glued is a text such as localhost:9092 within braces, where the parser takes it
// for a map although nothing stands between its parts.
func (v value) glued() (string, bool) {
	entries, _ := v.entries()
	if len(entries) != 1 || v.node.GetToken().Type == token.MappingStartType {
		return "", false
	}
	key, colon := entries[0].Key.GetToken(), entries[0].Start
	switch entries[0].Value.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode:
	default:
		return "", false
	}
	after := entries[0].Value.GetToken()
	if after.Position.Line != key.Position.Line || after.Position.Column != colon.Position.Column+1 {
		return "", false
	}
	return key.Value + ":" + after.Value, true
}

// wrong reports a value that is not what was wanted. Whatever came from the
// environment is not shown (G3).
func (v value) wrong(s scalar, want string) bool {
	said := quoted(s.source)
	if s.env {
		said += " (from the environment)"
	}
	v.fault("%s: write %s", said, want)
	return false
}

// text reads a text that is not empty. A number is one only in quotes: 0123 or 1e3
// might be meant as either.
func (v value) text(to *string) bool { return v.textLike(to, "a text") }

// textLike is text with another word for what is wanted.
func (v value) textLike(to *string, want string) bool {
	s, ok := v.scalar(want)
	switch {
	case !ok:
		return false
	case !s.isText:
		v.fault("%s is not a text: write \"%s\" in quotes if it is one", s.source, s.source)
		return false
	case s.text == "":
		v.fault("is empty: write %s", want)
		return false
	}
	*to = s.text
	return true
}

// literal reads a text, a number or a truth as it is written.
func (v value) literal(to *string) bool {
	s, ok := v.scalar("one value")
	if ok {
		*to = s.text
	}
	return ok
}

// plain reads a value that is not a text.
func (v value) plain(want string) (scalar, bool) {
	s, ok := v.scalar(want)
	if ok && s.quoted && !s.env {
		return s, v.wrong(s, want+", without quotes")
	}
	return s, ok
}

// whole reads a whole number.
func (v value) whole(to *int64, least, most int64) {
	want := fmt.Sprintf("a whole number from %d to %d", least, most)
	s, ok := v.plain(want)
	if !ok {
		return
	}
	n, err := strconv.ParseInt(s.text, 10, 64)
	if err != nil || n < least || n > most {
		v.wrong(s, want)
		return
	}
	*to = n
}

// share reads a number from 0 to 1.
func (v value) share(to *float64) {
	const want = "a share from 0 to 1, such as 0.05"
	s, ok := v.plain(want)
	if !ok {
		return
	}
	x, err := strconv.ParseFloat(s.text, 64)
	if err != nil || !(x >= 0 && x <= 1) {
		v.wrong(s, want)
		return
	}
	*to = x
}

// truth reads true or false.
func (v value) truth(to *bool) {
	const want = "true or false"
	s, ok := v.plain(want)
	if !ok {
		return
	}
	if s.text != "true" && s.text != "false" {
		v.wrong(s, want)
		return
	}
	*to = s.text == "true"
}

// choice reads one of some words.
func (v value) choice(to *string, words ...string) bool {
	want := "one of " + strings.Join(words, ", ")
	s, ok := v.scalar(want)
	if !ok {
		return false
	}
	for _, w := range words {
		if s.text == w {
			*to = w
			return true
		}
	}
	if near := nearest(s.source, words); near != "" && !s.env {
		v.fault("%s: did you mean %s?", quoted(s.source), near)
		return false
	}
	return v.wrong(s, want)
}

// duration reads 30s, 12h or 7d.
func (v value) duration(to *time.Duration, least, most time.Duration) {
	want := fmt.Sprintf("a duration from %s to %s, such as 30s, 12h or 7d", formatDuration(least), formatDuration(most))
	s, ok := v.scalar(want)
	if !ok {
		return
	}
	d, ok := ParseDuration(s.text)
	if !ok || d < least || d > most {
		v.wrong(s, want)
		return
	}
	*to = d
}

// ParseDuration reads what package time does, and days.
func ParseDuration(s string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err == nil && n < 100_000
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && s != "0"
}

// formatDuration writes a duration as ParseDuration reads it, in the largest unit
// that divides it.
func formatDuration(d time.Duration) string {
	for _, u := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if d%u.size == 0 && (d >= 2*u.size || u.name != "d") && d != 0 {
			return strconv.FormatInt(int64(d/u.size), 10) + u.name
		}
	}
	return d.String()
}

// units are those of sizes, largest first.
var units = []struct {
	name string
	size int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// size reads 256MiB, 1GiB or bytes.
func (v value) size(to *int64, least, most int64) {
	want := fmt.Sprintf("a size from %s to %s, such as 256MiB or 1GiB", formatSize(least), formatSize(most))
	s, ok := v.scalar(want)
	if !ok {
		return
	}
	n, ok := parseSize(s.text)
	if !ok || n < least || n > most {
		v.wrong(s, want)
		return
	}
	*to = n
}

func parseSize(s string) (int64, bool) {
	unit := int64(1)
	for _, u := range units {
		if number, ok := strings.CutSuffix(s, u.name); ok {
			s, unit = number, u.size
			break
		}
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || n > uint64(maxMemory)*4/uint64(unit) {
		return 0, false
	}
	return int64(n) * unit, true
}

func formatSize(n int64) string {
	for _, u := range units {
		if n >= u.size && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// address reads host:port; the host may be empty if the address is one to listen
// at.
func (v value) address(to *string) bool {
	const want = `":8080" or "127.0.0.1:8080"`
	var s string
	if !v.textLike(&s, want) {
		return false
	}
	if _, port, err := net.SplitHostPort(s); err != nil || !isPort(port) {
		v.fault("%s: write %s", v.shown(), want)
		return false
	}
	*to = s
	return true
}

// broker reads host:port.
func (v value) broker(to *string) bool {
	const want = "host:port, such as localhost:9092"
	var s string
	if !v.textLike(&s, want) {
		return false
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || !isPort(port) {
		v.fault("%s: write %s", v.shown(), want)
		return false
	}
	*to = s
	return true
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// shown is a text as messages may show it.
func (v value) shown() string {
	switch n := v.node.(type) {
	case *ast.StringNode:
		return quoted(n.Value)
	case *ast.LiteralNode:
		return quoted(n.Value.Value)
	}
	if text, ok := v.glued(); ok {
		return quoted(text)
	}
	return v.kind()
}

// shownPlace is a URL as messages may show it: without its parameters, among which
// there may be a signature.
func (v value) shownPlace() string {
	shown := v.shown()
	if at := strings.IndexAny(shown, "?#"); at >= 0 {
		return shown[:at+1] + `…"`
	}
	return shown
}

// lake reads the URL of a lake. What may hold a key is not shown.
func (v value) lake() string {
	var s string
	if !v.textLike(&s, "file:///path") {
		return ""
	}
	if isBucket(s) {
		if _, err := store.ParseAddress(s); err != nil {
			v.fault("cannot be used: %v", err)
		}
		return s
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		v.fault("%s: write file:///path", v.shownPlace())
	case u.Scheme != "file" && u.User != nil:
		v.fault("unknown scheme: write file:///path, s3://bucket/prefix, gs://bucket/prefix or azblob://container/prefix")
	case u.Scheme != "file" || u.Host != "" || !filepath.IsAbs(u.Path):
		v.fault("%s: write file:///path, with three slashes and the whole path", v.shownPlace())
	case u.RawQuery != "" || u.Fragment != "":
		v.fault("%s: a local lake takes no parameters: write %%3F and %%23 for ? and # in a path", v.shownPlace())
	}
	return s
}

// isBucket reports whether a lake lies in an object store.
func isBucket(lake string) bool {
	scheme, _, _ := strings.Cut(lake, "://")
	return scheme == "s3" || scheme == "gs" || scheme == "azblob"
}
