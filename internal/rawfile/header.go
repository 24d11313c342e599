package rawfile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tidemark/internal/batch"
)

// openCSV reads CSV, from its header on.
func openCSV(in *stream, e Entry, o Options) (Reader, error) {
	in, err := transcode(in, o.CSV.Encoding)
	if err != nil {
		return nil, &Error{URL: e.URL, Err: err}
	}
	if err := in.fill(window); err != nil {
		return nil, &Error{URL: e.URL, Unit: "byte", Err: err}
	}
	k := newCutter(in, e, o)
	k.layout.Format = batch.CSV
	s := &csvLines{separator: o.CSV.Separator, quote: o.CSV.Quote, quoted: k.limits.quoted}
	k.split = s
	if !o.CSV.Header {
		if len(o.Columns) == 0 {
			return nil, &Error{URL: e.URL, Err: errors.New("has no header, and no columns are known"), Hint: "set csv.header, or name the table's columns"}
		}
		k.layout.Header = o.Columns
		return k, nil
	}
	err = k.readHeader(s, o)
	return k, err
}

// readHeader takes the first line that is not empty for the names of the fields.
func (k *cutter) readHeader(s *csvLines, o Options) error {
	b := k.stream.bytes()
	eof := k.stream.eof
	cur := cursor{csvLines: s, b: b, eof: eof, lf: -1, crs: -1, quotes: -1}
	for i := k.lead.size; i < len(b); {
		r, ok := cur.record(i)
		switch {
		case !ok || r.next > window:
			return k.headerError(fmt.Errorf("the first line has no end within %d bytes", window), "if it has another separator or quote, set csv.quote; without a header, set csv.header: false")
		case r.unclosed:
			return k.headerError(errors.New("a quote of the header does not close"), "set csv.quote to the byte that quotes, or to none")
		}
		k.at.line += r.lines
		if r.end == i {
			i = r.next
			continue
		}
		text := b[i:r.end]
		k.lead = lead{size: r.next, ends: r.end}
		k.layout.Header = s.names(text)
		s.header = bytes.Clone(text)
		return k.checkHeader(string(text), o)
	}
	return nil // 0 bytes, or none that count: no rows
}

func (k *cutter) headerError(err error, hint string) error {
	return &Error{URL: k.url, Err: err, Hint: hint}
}

// names splits a header and trims its names.
func (s *csvLines) names(text []byte) []string {
	var names []string
	for i := 0; ; i++ {
		var field []byte
		if s.quote != 0 && i < len(text) && text[i] == s.quote {
			for i++; i < len(text); i++ {
				if text[i] == s.quote {
					if i++; i == len(text) || text[i] != s.quote {
						break
					}
				}
				field = append(field, text[i])
			}
		}
		n := bytes.IndexByte(text[i:], s.separator)
		if n < 0 {
			n = len(text) - i
		}
		field = append(field, text[i:i+n]...)
		names = append(names, strings.TrimSpace(string(field)))
		if i += n; i >= len(text) {
			return names
		}
	}
}

// checkHeader says what is wrong with the names, and which option may mend it.
func (k *cutter) checkHeader(text string, o Options) error {
	names := k.layout.Header
	if len(names) == 1 && len(o.Columns) > 1 {
		hint := "set csv.separator to what stands between them"
		for _, sep := range []byte(";,\t|") {
			if strings.IndexByte(text, sep) >= 0 && sep != o.CSV.Separator {
				hint = fmt.Sprintf("set csv.separator: %q", sep)
				break
			}
		}
		return k.headerError(fmt.Errorf("the header has one column, %q, where %d are expected", short(names[0]), len(o.Columns)), hint)
	}
	for i, name := range names {
		if name == "" {
			return k.headerError(fmt.Errorf("column %d of %d in the header has no name", i+1, len(names)), "name it; if the file has no header, set csv.header: false")
		}
		if j := slices.Index(names, name); j < i {
			return k.headerError(fmt.Errorf("columns %d and %d of the header are both named %q", j+1, i+1, short(name)), "rename one; if the file has no header, set csv.header: false")
		}
	}
	for _, either := range o.Required {
		if !slices.ContainsFunc(names, func(name string) bool {
			return slices.ContainsFunc(either, func(s string) bool { return strings.EqualFold(s, name) })
		}) {
			return k.headerError(fmt.Errorf("the header has no column %q, which is required; it has %s", either[0], listed(names)),
				"add it, or name the column under aliases; if the separator is another, set csv.separator; if the file has no header, set csv.header: false")
		}
	}
	return nil
}

// short is a name as errors show it.
func short(name string) string {
	if r := []rune(name); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return name
}

// listed shows some names.
func listed(names []string) string {
	shown := make([]string, 0, 8)
	for _, n := range names[:min(len(names), 8)] {
		shown = append(shown, fmt.Sprintf("%q", short(n)))
	}
	if len(names) > 8 {
		return fmt.Sprintf("%s and %d more", strings.Join(shown, ", "), len(names)-8)
	}
	return strings.Join(shown, ", ")
}
