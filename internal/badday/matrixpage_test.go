package badday_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	matrixPage = "../../docs/crash-matrix.md"
	// matrixHead begins each table. Whoever looks for it below a title knows what is ours.
	matrixHead = "| point | killed | lost | doubled | what the restart found |\n|---|---|---|---|---|\n"
	matrixMake = "write it anew: go test ./internal/badday -run TestBroker/crash_matrix -long -write -timeout 0"
)

// matrixRows are the rows of a medium's table in the page.
func matrixRows(page string, of medium) ([]string, error) {
	_, rest, ok := strings.Cut(page, "\n## "+string(of)+"\n")
	if rest, _, _ = strings.Cut(rest, "\n## "); !ok {
		return nil, fmt.Errorf("the page has no title %q", of)
	}
	if _, rest, ok = strings.Cut(rest, matrixHead); !ok {
		return nil, fmt.Errorf("the page has no table of %q", of)
	}
	var rows []string
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		rows = append(rows, line)
	}
	return rows, nil
}

// rewriteMatrix puts rows in the place of those of a medium.
func rewriteMatrix(page string, of medium, rows []string) (string, error) {
	old, err := matrixRows(page, of)
	if err != nil {
		return "", err
	}
	before, after, _ := strings.Cut(page, "\n## "+string(of)+"\n")
	after = strings.Replace(after, matrixHead+strings.Join(old, ""), matrixHead+strings.Join(rows, ""), 1)
	return before + "\n## " + string(of) + "\n" + after, nil
}

func readMatrixPage(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(matrixPage)
	must(t, err)
	return string(data)
}

var (
	matrixRow   = regexp.MustCompile(`^\| ((?:before|after) [^|]+) \| (\d+) \| (\d+) \| (\d+) \| ([^|]+) \|\n$`)
	matrixFound = regexp.MustCompile(`^(.+) × (\d+)$`)
)

// judgeMatrix says what is wrong with a page.
func judgeMatrix(page string) (wrong []string) {
	for of := range knownOperations() {
		rows, err := matrixRows(page, of)
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		known := knownPoints(of)
		for _, row := range rows {
			at, err := judgeRow(row)
			i := slices.Index(known, at)
			switch {
			case err != nil:
				wrong = append(wrong, fmt.Sprintf("%s: %v: %s", of, err, row))
			case i < 0:
				wrong = append(wrong, fmt.Sprintf("%s: %q is no point, or there twice", of, at))
			default:
				known = slices.Delete(known, i, i+1)
			}
		}
		for _, at := range known {
			wrong = append(wrong, fmt.Sprintf("%s: nothing is said of %q", of, at))
		}
	}
	return wrong
}

// judgeRow returns the point that a row is about.
func judgeRow(row string) (at string, err error) {
	part := matrixRow.FindStringSubmatch(row)
	if part == nil {
		return "", fmt.Errorf("this is no row of the table")
	}
	if part[3] != "0" || part[4] != "0" {
		return part[1], fmt.Errorf("records are lost or doubled")
	}
	found := 0
	for f := range strings.SplitSeq(part[5], " · ") {
		n := matrixFound.FindStringSubmatch(f)
		if n == nil {
			return part[1], fmt.Errorf("it does not say how often something was found")
		}
		times, _ := strconv.Atoi(n[2])
		found += times
	}
	if killed, _ := strconv.Atoi(part[2]); killed == 0 || killed != found {
		return part[1], fmt.Errorf("%d kills, and %d restarts", killed, found)
	}
	return part[1], nil
}

// The page has a row for every point that is known, and none tells of a loss.
func TestCrashMatrixPage(t *testing.T) {
	for _, wrong := range judgeMatrix(readMatrixPage(t)) {
		t.Errorf("docs/crash-matrix.md: %s", wrong)
	}
	if t.Failed() {
		t.Log(matrixMake)
	}
}

// A page that tells of a loss, or leaves something out, is not let through.
func TestCrashMatrixJudge(t *testing.T) {
	right := "# Page\n"
	for of := range knownOperations() {
		var rows []string
		for _, at := range knownPoints(of) {
			rows = append(rows, "| "+at+" | 3 | 0 | 0 | this × 1 · that × 2 |\n")
		}
		page, err := rewriteMatrix("# Page\n\n## "+string(of)+"\n\nText.\n\n"+matrixHead+"| old |\n", of, rows)
		must(t, err)
		right += strings.TrimPrefix(page, "# Page\n")
	}
	if wrong := judgeMatrix(right); len(wrong) > 0 {
		t.Errorf("a page that is right: %q", wrong)
	}
	const row = "| before link of a record | 3 | 0 | 0 | this × 1 · that × 2 |\n"
	for why, becomes := range map[string]string{
		"lost":             strings.Replace(row, "3 | 0 | 0", "3 | 1 | 0", 1),
		"doubled":          strings.Replace(row, "3 | 0 | 0", "3 | 0 | 1", 1),
		"never killed":     strings.Replace(row, "3 |", "0 |", 1),
		"a kill forgotten": strings.Replace(row, "that × 2", "that × 1", 1),
		"nothing found":    strings.Replace(row, " × 1", "", 1),
		"another point":    strings.Replace(row, "link", "lick", 1),
		"a column less":    strings.Replace(row, " | 0 |", " |", 1),
		"a row less":       "",
		"a row twice":      row + row,
		"no table any more": "text\n" +
			row,
	} {
		page := strings.Replace(right, row, becomes, 1)
		if page == right || len(judgeMatrix(page)) == 0 {
			t.Errorf("%s: nothing is wrong with it", why)
		}
	}
	if _, err := rewriteMatrix("# Page\n\n## Else\n\n"+matrixHead, onDisk, nil); err == nil {
		t.Error("a page without the title: got no error")
	}
}

// knownPoints are all points of a medium.
func knownPoints(of medium) (points []string) {
	for _, op := range knownOperations()[of] {
		points = append(points, "before "+op, "after "+op)
	}
	return points
}

// knownOperations are those that the program makes, by medium. A run that makes another
// one fails: it is entered here, and the page is written anew.
func knownOperations() map[medium][]string {
	objects := []string{
		"COPY of a published file", "DELETE of a staged file", "GET of a record", "GET of the probe",
		"HEAD of a published file", "HEAD of a staged file", "LIST of the checkpoints' folder", "LIST of the ledger's folder",
		"PUT of a checkpoint", "PUT of a manifest", "PUT of a record", "PUT of a staged file",
	}
	reading := []string{"ApiVersions", "Fetch", "FindCoordinator", "ListOffsets", "Metadata", "OffsetCommit", "OffsetForLeaderEpoch"}
	known := map[medium][]string{
		onDisk: {
			"create of a checkpoint without its name", "create of a manifest without its name", "create of a record without its name", "create of a staged file",
			"fsync of a checkpoint without its name", "fsync of a folder above the ledger", "fsync of a folder of a table", "fsync of a manifest without its name",
			"fsync of a record without its name", "fsync of a staged file", "fsync of a staging folder", "fsync of the checkpoints' folder", "fsync of the ledger's folder",
			"link of a checkpoint", "link of a manifest", "link of a published file", "link of a record",
			"mkdir of a folder above the ledger", "mkdir of a folder of a table", "mkdir of a staging folder", "mkdir of the checkpoints' folder", "mkdir of the ledger's folder",
			"open of a folder above the ledger", "open of a folder of a table", "open of a record", "open of a staging folder",
			"open of the checkpoints' folder", "open of the ledger's folder", "open of the probe",
			"unlink of a checkpoint without its name", "unlink of a manifest without its name", "unlink of a record without its name", "unlink of a staged file",
			"write of a checkpoint without its name", "write of a manifest without its name", "write of a record without its name", "write of a staged file",
		},
		kafkaDrain:    reading,
		kafkaClassic:  append([]string{"Heartbeat", "JoinGroup", "LeaveGroup", "OffsetFetch", "SyncGroup"}, reading...),
		kafkaConsumer: append([]string{"ConsumerGroupHeartbeat", "OffsetFetch"}, reading...),
		onFakeGCS:     append([]string{"LIST of a record"}, objects...),
	}
	for _, of := range []medium{onVersity, onMinIO, onAzurite} {
		known[of] = objects
	}
	return known
}
