package protoschema

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/genproto/googleapis/type/calendarperiod"
	"google.golang.org/genproto/googleapis/type/color"
	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/datetime"
	"google.golang.org/genproto/googleapis/type/dayofweek"
	"google.golang.org/genproto/googleapis/type/decimal"
	"google.golang.org/genproto/googleapis/type/expr"
	"google.golang.org/genproto/googleapis/type/fraction"
	"google.golang.org/genproto/googleapis/type/interval"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/genproto/googleapis/type/month"
	"google.golang.org/genproto/googleapis/type/postaladdress"
	"google.golang.org/genproto/googleapis/type/quaternion"
	"google.golang.org/genproto/googleapis/type/timeofday"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Import is a file that others import.
type Import struct {
	Path string // as they call it
	Text string
}

// self is the name of the file whose text has none. It is no path that anybody imports.
const self = "<schema>"

// Parse reads a file. It returns an *Error for one that is not read. Imports that are not
// among those given are found where Confluent's serializers know them without a reference:
// google/protobuf, google/type, and confluent's own two.
func Parse(text string, imports ...Import) (*File, error) {
	files := map[string]string{self: text}
	left := limits{MaxText, maxTokens}
	if err := left.look(text); err != nil {
		return nil, err
	}
	for _, one := range imports {
		if err := left.look(one.Text); err != nil {
			return nil, err
		}
		files[one.Path] = one.Text
	}
	c := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(protocompile.ResolverFunc(resolver(files))),
		MaxParallelism: 1,
		Reporter:       reporter.NewReporter(nil, nil), // the first error ends it
	}
	found, err := c.Compile(context.Background(), self) // it reads nothing but memory
	if err != nil {
		return nil, unreadable(err)
	}
	return convert(found[0])
}

// unreadable says why a file does not compile. What a text holds is told shortened.
func unreadable(err error) error {
	text := err.Error()
	if bad := (protocompile.PanicError{}); errors.As(err, &bad) {
		text = "the compiler of schemas cannot deal with it"
	}
	const most = 300
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return fail("is no file of Protocol Buffers that can be read: %s", strings.TrimPrefix(text, self+":"))
}

// resolver finds files by their paths.
func resolver(files map[string]string) func(string) (protocompile.SearchResult, error) {
	return func(path string) (protocompile.SearchResult, error) {
		if text, ok := files[path]; ok {
			return protocompile.SearchResult{Source: strings.NewReader(text)}, nil
		}
		if text := confluent(path); text != "" {
			return protocompile.SearchResult{Source: strings.NewReader(text)}, nil
		}
		if d := common(path); d != nil {
			return protocompile.SearchResult{Desc: d}, nil
		}
		return protocompile.SearchResult{}, fs.ErrNotExist
	}
}

// common finds the files of google/type, nil: it is none of them.
func common(path string) protoreflect.FileDescriptor {
	for _, d := range []protoreflect.FileDescriptor{
		calendarperiod.File_google_type_calendar_period_proto, color.File_google_type_color_proto, date.File_google_type_date_proto,
		datetime.File_google_type_datetime_proto, dayofweek.File_google_type_dayofweek_proto, decimal.File_google_type_decimal_proto,
		expr.File_google_type_expr_proto, fraction.File_google_type_fraction_proto, interval.File_google_type_interval_proto,
		latlng.File_google_type_latlng_proto, money.File_google_type_money_proto, month.File_google_type_month_proto,
		postaladdress.File_google_type_postal_address_proto, quaternion.File_google_type_quaternion_proto,
		timeofday.File_google_type_timeofday_proto,
	} {
		if d.Path() == path {
			return d
		}
	}
	return nil
}

// confluent is a file that Confluent's serializers know without a reference, empty: none.
func confluent(path string) string {
	switch path {
	case "confluent/type/decimal.proto":
		return `syntax = "proto3"; package confluent.type; message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }`
	case "confluent/meta.proto":
		text := `syntax = "proto3"; package confluent; import "google/protobuf/descriptor.proto";
message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }
`
		for _, of := range []string{"File", "Message", "Field", "Enum", "EnumValue"} {
			text += "extend google.protobuf." + of + "Options { Meta " + map[string]string{
				"File": "file", "Message": "message", "Field": "field", "Enum": "enum", "EnumValue": "enum_value",
			}[of] + "_meta = 1088; }\n"
		}
		return text
	}
	return ""
}

// limits is what the texts of a schema may still have.
type limits struct{ bytes, tokens int }

// look takes from the limits what a text has. It knows no more of the language than comments,
// texts, words and brackets.
func (l *limits) look(text string) error {
	if l.bytes -= len(text); l.bytes < 0 {
		return beyond("has more than %d bytes, with all that it imports", MaxText)
	}
	depth := 0
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c <= ' ':
			i++
			continue
		case strings.HasPrefix(text[i:], "//"):
			i = after(text, i, "\n")
			continue
		case strings.HasPrefix(text[i:], "/*"):
			i = after(text, i+2, "*/")
			continue
		case c == '"' || c == '\'':
			i = quoteEnd(text, i)
		case isWord(c):
			for i < len(text) && isWord(text[i]) {
				i++
			}
		default:
			switch c {
			case '{', '[', '(', '<':
				depth++
			case '}', ']', ')', '>':
				depth--
			}
			i++
		}
		if depth > maxNesting {
			return beyond("nests more than %d deep", maxNesting)
		}
		if l.tokens--; l.tokens < 0 {
			return beyond("has more than %d words and signs, with all that it imports", maxTokens)
		}
	}
	return nil
}

func isWord(c byte) bool {
	return c == '_' || c >= 0x80 || c-'0' <= 9 || (c|0x20)-'a' < 26
}

// after is the place behind the first end from i on.
func after(text string, i int, end string) int {
	n := strings.Index(text[i:], end)
	if n < 0 {
		return len(text)
	}
	return i + n + len(end)
}

// quoteEnd is the place behind the text between quotes that opens at i.
func quoteEnd(text string, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case quote, '\n':
			return i + 1
		}
	}
	return len(text)
}
