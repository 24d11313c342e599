package schema_test

import (
	"strings"
	"testing"

	"tidemark/internal/schema"
)

// A nested type is what its text says, and its text is read as itself.
func TestNestedType(t *testing.T) {
	for text, want := range map[string]string{
		"list<string>":                         "list<string>",
		"map<string,long>":                     "map<string,long>",
		"struct<a:int,b:decimal(18,2)>":        "struct<a:int,b:decimal(18,2)>",
		"struct< a : int , b : list< json > >": "struct<a:int,b:list<json>>",
		"map<string, list<struct<x:date>>>":    "map<string,list<struct<x:date>>>",
		`struct<"a b":int,"q\"\\":string>`:     `struct<"a b":int,"q\"\\":string>`,
		"struct<Straße:double>":                "struct<Straße:double>",
	} {
		typ, err := schema.ParseType(text)
		if err != nil || typ.String() != want {
			t.Errorf("%s: got %s, %v, want %s", text, typ, err, want)
		}
		if !schema.DefaultFor(typ).Null || !typ.Kind.Nested() || typ.Kind.Fixed() {
			t.Errorf("%s: default is not null, or it is not nested", text)
		}
	}
}

func TestNestedTypeRefused(t *testing.T) {
	many := "struct<a0:int" + strings.Repeat(",a:int", 64) + ">"
	for _, text := range []string{
		"list", "list<>", "list<string", "list<string>>", "list<string>x", "list<varchar>", "list<string,int>", "list<decimal(19,2)>",
		"map<string>", "map<long,string>", "map<json,string>", "map<string,long,int>", "map<list<string>,int>",
		"struct<>", "struct<a>", "struct<a:>", "struct<:int>", "struct<a:int,a:int>", "struct<a:int,>", `struct<"a:int>`, `struct<"":int>`,
		"struct<\"a\x01\":int>", "list<list<list<list<int>>>>", many, strings.Repeat("list<", 100_000),
	} {
		if typ, err := schema.ParseType(text); err == nil {
			t.Errorf("%.80s is %.80s", text, typ)
		}
	}
}

func FuzzParseType(f *testing.F) {
	for _, text := range []string{"long", "decimal(18,2)", "list<string>", "map<string,struct<a:int>>", `struct<"a\"":list<json>,b:decimal(4, 2)>`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		typ, err := schema.ParseType(text)
		if err != nil {
			return
		}
		again, err := schema.ParseType(typ.String())
		if err != nil || again.String() != typ.String() || again.Leaves() != typ.Leaves() {
			t.Errorf("%q is %s, which is %s, %v", text, typ, again, err)
		}
	})
}
