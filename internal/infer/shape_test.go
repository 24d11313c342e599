package infer_test

import (
	"fmt"
	"strings"
	"testing"

	"tidemark/internal/infer"
	"tidemark/internal/rawfile"
	"tidemark/internal/schema"
)

// times is a value as often as that, with the number of each in place of #.
func times(n int, value string) string {
	var out []string
	for i := range n {
		out = append(out, strings.ReplaceAll(value, "#", fmt.Sprint(i)))
	}
	return strings.Join(out, "\n")
}

// wide is an object of so many members.
func wide(n int, value string) string {
	return "{" + strings.ReplaceAll(strings.TrimSuffix(times(n, `"k#":`+value+`,`), ","), "\n", "") + "}"
}

// TestShapes: what objects and arrays come to, and that the table takes each of them as it is.
func TestShapes(t *testing.T) {
	for _, c := range []struct{ name, values, want string }{
		{"a list", "[1,2]\n[]\n[3,null]\nnull", "list<long>"},
		{"of money", "[1,2.50]", "list<decimal(18,2)>"},
		{"of texts and days", `["2026-11-22","x"]`, "list<string>"},
		{"of days", `["2026-11-22"]`, "list<date>"},
		{"of truths", `[true]`, "list<boolean>"},
		{"of several kinds", `[1,"a"]`, "json"},
		{"of long numbers", `[1,12345678901234567890]`, "json"},
		{"of nulls", `[null]`, "json"},
		{"of nothing", "[]\n{}", "json"},
		{"of objects", `[{"sku":"a","n":1},{"sku":"b","n":2.5,"gift":true}]`, "list<struct<sku:string,n:decimal(18,1),gift:boolean>>"},
		{"of lists", `[[1],[2,3]]`, "list<list<long>>"},
		{"three deep", `[[[1]]]`, "list<list<list<long>>>"},
		{"too deep", `[[[[1]]]]`, "json"},
		{"a struct", `{"city":"Bern","zip":3000}` + "\n" + `{"zip":null,"street":"x"}`, "struct<city:string,zip:long,street:string>"},
		{"of objects that vary", `{"a":{"b":{"c":1}},"d":[1,"x"],"e":null}`, "struct<a:struct<b:struct<c:long>>,d:json,e:json>"},
		{"deeper", `{"a":{"b":{"c":{"d":1}}}}`, "struct<a:struct<b:struct<c:json>>>"},
		{"of odd names", `{"a b":1,"x\"y":2}`, `struct<"a b":long,"x\"y":long>`},
		{"in two cases", `{"a":1,"A":"x"}`, "json"},
		{"in two cases, alike", `{"a":1,"A":2}`, "map<string,long>"},
		{"without a name", `{"":1}`, "map<string,long>"},
		{"a control character", `{"a\u0000":true,"b":1}`, "json"},
		{"wide", wide(64, "1"), "struct<k0:long,"},
		{"too wide", wide(65, "1"), "map<string,long>"},
		{"too wide, of several kinds", wide(65, `"x"`) + "\n" + wide(65, "1"), "json"},
		{"wide in all", `{"a":` + wide(40, "1") + `,"b":` + wide(40, "1") + "}", "json"},
		{"as many keys as rows", times(30, `{"k#":1.5}`), "map<string,decimal(18,1)>"},
		{"more keys than are told apart", times(1100, `{"k#":[#]}`), "map<string,list<long>>"},
		{"days", times(2, `{"2026-11-22":1,"2026-11-23":2}`), "map<string,long>"},
		{"currencies", `{"CHF":1}` + "\n" + `{"EUR":2,"USD":3}` + "\n" + `{"USD":2}` + "\n" + `{"GBP":2.25}`, "map<string,decimal(18,2)>"},
		{"of structs", times(10, `{"k#":{"a":1,"b":"x"}}`), "map<string,struct<a:long,b:string>>"},
		{"varying, and of several kinds", times(3, `{"k#":1}`) + "\n" + `{"x":"y"}`, "struct<k0:long,k1:long,k2:long,x:string>"},
		{"one in all", times(30, `{"id":#,"k#":1}`), "struct<id:long,k0:long,"},
		{"an array or an object", "[1]\n" + `{"a":1}`, "json"},
		{"an empty array for an object", "[]\n" + `{"a":1}`, "json"},
		{"an empty object for an array", "{}\n[1]", "json"},
		{"an empty object", "{}\n" + `{"a":1}`, "struct<a:long>"},
		{"an object or a text", `"x"` + "\n" + `{"a":1}`, "json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := ""
			for _, v := range strings.Split(c.values, "\n") {
				text += `{"x":` + v + "}\n"
			}
			found := files(t, map[string]string{"a.json": text})
			r, err := infer.Files(t.Context(), found, rawfile.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := r.Columns[0].Type.String()
			if got != c.want && !(strings.HasSuffix(c.want, ",") && strings.HasPrefix(got, c.want)) {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if typ, err := schema.ParseType(got); err != nil || typ.String() != got {
				t.Errorf("%s is none: %v", got, err)
			}
			if r.Columns[0].Remark == "" {
				t.Error("nothing is said of it")
			}
			b := rejects(t, found[0], &schema.Table{
				Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution(), Columns: r.Schema(),
			})
			if len(b.Rejects) > 0 {
				t.Errorf("the table refuses %s", b.Detail(b.Rejects))
			}
			for _, d := range b.Drift {
				if d.Change != "widen" { // 1 for 1.00
					t.Errorf("drift: %+v", d)
				}
			}
			r.Observe(b)
			if got == "list<long>" && !strings.Contains(r.YAML(), "up to 2 elements") {
				t.Errorf("got %s", r.YAML())
			}
			if r.Whole(); r.Columns[0].Type.String() != "json" || !strings.Contains(r.Columns[0].Remark, "from: x.…") {
				t.Errorf("whole: %+v", r.Columns[0])
			}
		})
	}
}
