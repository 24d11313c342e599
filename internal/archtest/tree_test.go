package archtest_test

import (
	"os"
	"testing"

	"tidemark/internal/archtest"
)

// arrows is the dependency direction: what each package may import of this
// module. The stages (conform, watermark, quality) never import each other, and
// only the program sees everything.
var arrows = map[string][]string{
	"cmd/tidemark": {archtest.Any},

	"consumer":  {"internal/batch"},
	"conform":   {"internal/batch", "internal/schema", "internal/avroschema", "internal/protoschema", "internal/jsonschema", "internal/jsontext"},
	"watermark": {"internal/batch", "internal/schema"},
	"quality":   {"internal/batch", "internal/schema"},
	"writer":    {"internal/batch", "internal/schema", "internal/ledger", "internal/store"},

	"internal/batch":    {"internal/schema", "internal/avroschema"},
	"internal/ledger":   {"internal/store"},
	"internal/schema":   {},
	"internal/generate": {},
	"internal/jsontext": {},

	"internal/avroschema":  {"internal/jsontext"},
	"internal/protoschema": {},
	"internal/jsonschema":  {},

	"internal/config":   {"internal/schema", "internal/store", "quality", "watermark"},
	"internal/pipeline": {"consumer", "conform", "watermark", "quality", "writer", "internal/batch", "internal/schema", "internal/ledger", "internal/store", "internal/keyload", "internal/spill"},
	"internal/rawfile":  {"internal/batch", "internal/schema", "internal/store", "internal/avroschema", "internal/jsontext"},
	"internal/infer":    {"internal/rawfile", "internal/batch", "internal/schema", "internal/avroschema", "internal/protoschema", "internal/jsonschema", "internal/jsontext"},
	"internal/backfill": {"consumer", "internal/pipeline", "internal/rawfile", "internal/batch", "internal/schema", "internal/ledger"},
	"internal/replay":   {"consumer", "internal/pipeline", "internal/batch", "internal/ledger", "internal/store"},
	"internal/schemas":  {"conform", "internal/avroschema", "internal/protoschema", "internal/jsonschema", "internal/batch", "internal/registry", "internal/registry/wire"},
	"internal/spill":    {"quality"},
	"internal/keyload":  {"conform", "quality", "internal/batch", "internal/schema", "internal/ledger", "internal/rawfile", "internal/store"},
	"internal/store":    {},

	"internal/store/bucket": {"internal/store"},

	"internal/registry":      {"internal/registry/wire"},
	"internal/registry/wire": {},

	"internal/status": {"internal/ledger", "internal/store"},
	"internal/verify": {"internal/ledger", "internal/store"},
	"internal/report": {"internal/ledger", "internal/status", "internal/store"},

	"internal/history": {"internal/ledger", "internal/status"},

	// The benchmark builds what the program builds.
	"scripts/bench.d": {archtest.Any},

	// It is nothing but tests: of the program, with all that it is made of.
	"internal/badday":       {},
	"internal/parity":       {"internal/generate"},
	"internal/differential": {},
	"internal/avropeers":    {},

	// Only tests import these.
	"internal/archtest":              {},
	"internal/kafkatest":             {"internal/scripttest"},
	"internal/cloudtest":             {"internal/scripttest"},
	"internal/scripttest":            {},
	"internal/faultproxy":            {},
	"internal/registry/registrytest": {"internal/scripttest"},
	"internal/teeth":                 {},
	"internal/store/storetest":       {"internal/store"},
}

// pureFiles are the pure half of a package that also has edges.
var pureFiles = []string{
	"internal/ledger/attempt.go", "internal/ledger/handover.go", "internal/ledger/judge.go", "internal/ledger/record.go", "internal/ledger/state.go",
}

// pure are the packages whose every answer is a function of its arguments.
var pure = []string{"conform", "watermark", "quality", "internal/batch", "internal/schema", "internal/registry/wire", "internal/avroschema", "internal/jsonschema", "internal/jsontext"}

// exempt lists what may break a rule, each with its reason.
var exempt = []archtest.Exemption{
	{Rule: "pure", Key: "conform/stride_amd64.go golang.org/x/sys/cpu", Why: "what the processor has is the same in every call, and what is decoded is the same without it"},
	{Rule: "globals", Key: "consumer/session.go", Why: "a session is one Run: it ends with its context, and the client's callbacks bring no context of ours"},
}

// root lists what stands at the top: the way of a record, what carries it, and
// the pages that a repository is expected to have.
var root = []string{
	"cmd", "consumer", "conform", "watermark", "quality", "writer", "internal",
	"deploy", "docs", "examples", "scripts", "tools",
	"go.mod", "go.sum", "Makefile", "LICENSE",
	"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md",
}

// outside lists the commands that pages show and that are not ours.
var outside = []string{"git", "cd", "curl", "duckdb", "export", "kill", "df", "kubectl", "podman", "docker", "ls", "mkdir", "python3"}

func TestTree(t *testing.T) {
	tree, err := archtest.Load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tree.Module, "tidemark"; got != want {
		t.Fatalf("module is %q, want %q", got, want)
	}
	limits := archtest.Limits{FileLines: 500, FuncLines: 80, Params: 4, Methods: 4}
	for _, f := range archtest.Check(tree, exempt,
		archtest.Arrows(arrows), archtest.Pure(pure...), archtest.PureFiles(pureFiles...), archtest.TopLevel(root...), archtest.Names,
		archtest.PackageDocs(5), archtest.ExportedDocs, archtest.NoMarks, archtest.Sizes(limits),
		archtest.HonestTests, archtest.NoGlobals, archtest.NoState, archtest.ErrorTexts,
		archtest.Links, archtest.NamedTests, archtest.Commands("tidemark", outside...),
		archtest.Mapped("ARCHITECTURE.md"), archtest.Metrics("docs/metrics.md"),
	) {
		t.Error(f)
	}
}
