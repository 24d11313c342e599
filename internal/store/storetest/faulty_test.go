package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// faulty is a store in which s holds "staged", and one fault.
func faulty(t *testing.T, x storetest.Fault) (*storetest.Faulty, *storetest.Memory) {
	memory := &storetest.Memory{}
	must(t, memory.Create(t.Context(), "s", []byte("staged")))
	f := &storetest.Faulty{Store: memory}
	return f.Inject(x), memory
}

// TestModesOfCreate wants each mode to tell the caller and to do to the store what it
// says, at once and in the end.
func TestModesOfCreate(t *testing.T) {
	for _, test := range []struct {
		mode      storetest.Mode
		err       error // nil: success
		now, then bool  // the object is there
	}{
		{storetest.Fail, storetest.ErrInjected, false, false},
		{storetest.Lose, storetest.ErrInjected, true, true},
		{storetest.Late, storetest.ErrInjected, false, true},
		{storetest.Land, context.DeadlineExceeded, false, true},
		{storetest.Throttle, storetest.ErrInjected, false, false},
		{storetest.Twice, store.ErrExists, true, true},
		{storetest.Cut, storetest.ErrInjected, true, true}, // until the power fails
	} {
		t.Run(test.mode.String(), func(t *testing.T) {
			f, memory := faulty(t, storetest.Fault{Op: storetest.OpCreate, Mode: test.mode})
			data := []byte("mine")
			err := f.Create(t.Context(), "k", data)
			clear(data)
			if !errors.Is(err, test.err) {
				t.Errorf("got %v, want %v", err, test.err)
			}
			if got, there := memory.Snapshot()["k"]; there != test.now || there && got != "mine" {
				t.Errorf("at once: got %q, %t, want %t", got, there, test.now)
			}
			f.Deliver()
			if got, there := memory.Snapshot()["k"]; there != test.then || there && got != "mine" {
				t.Errorf("in the end: got %q, %t, want %t", got, there, test.then)
			}
			memory.PowerCut()
			if _, there := memory.Snapshot()["k"]; there != (test.then && test.mode != storetest.Cut) {
				t.Errorf("after a power cut: it is there: %t", there)
			}
			if got, want := f.Injected(), map[storetest.Mode]int{test.mode: 1}; !maps.Equal(got, want) {
				t.Errorf("injected: got %v, want %v", got, want)
			}
		})
	}
}

// TestDelay wants an operation to happen after its wait or at Release, with its true
// answer, and not at all when its caller's time is up before.
func TestDelay(t *testing.T) {
	for _, test := range []struct {
		name  string
		wait  time.Duration
		limit time.Duration // of the caller, 0: none
		took  time.Duration
		err   error
	}{
		{"duration", time.Minute, 0, time.Minute, nil},
		{"released", 0, 0, time.Hour, nil},
		{"given up", 0, time.Second, time.Second, context.DeadlineExceeded},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, memory := faulty(t, storetest.Fault{Op: storetest.OpCreate, Mode: storetest.Delay, Wait: test.wait})
				time.AfterFunc(time.Hour, f.Release)
				ctx := t.Context()
				if test.limit > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.limit)
					defer cancel()
				}
				from := time.Now()
				err := f.Create(ctx, "k", []byte("mine"))
				if !errors.Is(err, test.err) || time.Since(from) != test.took {
					t.Errorf("got %v after %v, want %v after %v", err, time.Since(from), test.err, test.took)
				}
				if _, there := memory.Snapshot()["k"]; there != (test.err == nil) {
					t.Errorf("the object is there: %t", there)
				}
			})
		})
	}
}

// TestLandsAfter wants an operation of mode Land to happen when so many more have
// begun, by itself, although its caller is long gone.
func TestLandsAfter(t *testing.T) {
	f, _ := faulty(t, storetest.Fault{Op: storetest.OpCreate, Mode: storetest.Land, Gap: 3})
	ctx, cancel := context.WithCancel(t.Context())
	if err := f.Create(ctx, "k", []byte("mine")); !errors.Is(err, storetest.ErrInjected) {
		t.Errorf("got %v", err)
	}
	cancel()
	for n, want := range []error{store.ErrNotExist, store.ErrNotExist, nil} {
		if _, err := f.Read(t.Context(), "k"); !errors.Is(err, want) {
			t.Errorf("operation %d after it: got %v, want %v", n+1, err, want)
		}
	}
	if got := f.Deliver(); len(got) != 0 {
		t.Errorf("it landed twice: %v", got)
	}
}

// TestModesOfPublish wants a Publish that breaks off to leave both names, and one that
// came twice to say that the staged one is gone.
func TestModesOfPublish(t *testing.T) {
	for mode, want := range map[storetest.Mode]struct {
		err   error
		names string
	}{
		storetest.Cut:   {storetest.ErrInjected, "f s"},
		storetest.Twice: {store.ErrNotExist, "f"},
		storetest.Lose:  {storetest.ErrInjected, "f"},
	} {
		f, memory := faulty(t, storetest.Fault{Op: storetest.OpPublish, Mode: mode})
		if err := f.Publish(t.Context(), "s", "f", 6); !errors.Is(err, want.err) {
			t.Errorf("%s: got %v, want %v", mode, err, want.err)
		}
		all := memory.Snapshot()
		if got := strings.Join(slices.Sorted(maps.Keys(all)), " "); got != want.names || all["f"] != "staged" {
			t.Errorf("%s: got names %q, final %q", mode, got, all["f"])
		}
	}
	f, memory := faulty(t, storetest.Fault{Op: storetest.OpPublish, Mode: storetest.Cut})
	_ = f.Publish(t.Context(), "s", "f", 7)
	if _, there := memory.Snapshot()["f"]; there {
		t.Error("a file of the wrong size was published by half")
	}
}

// TestModesOfWrite wants half of a write that breaks off to have gone, and the whole
// of one that comes late with the bytes that it had.
func TestModesOfWrite(t *testing.T) {
	for mode, want := range map[storetest.Mode][2]string{
		storetest.Fail: {"", ""}, storetest.Lose: {"rows", "rows"}, storetest.Late: {"", "rows"},
		storetest.Twice: {"rows", "rows"}, storetest.Cut: {"ro", "ro"},
	} {
		f, memory := faulty(t, storetest.Fault{Op: storetest.OpWrite, Mode: mode})
		s, err := f.Stage(t.Context(), "k")
		must(t, err)
		data := []byte("rows")
		n, err := s.Write(data)
		clear(data)
		if (err == nil) != (mode == storetest.Twice) || err != nil && n != len(want[0])*map[storetest.Mode]int{storetest.Cut: 1}[mode] {
			t.Errorf("%s: got %d, %v", mode, n, err)
		}
		if got := memory.Snapshot()["k"]; got != want[0] {
			t.Errorf("%s: at once: got %q, want %q", mode, got, want[0])
		}
		f.Deliver()
		if got := memory.Snapshot()["k"]; got != want[1] {
			t.Errorf("%s: in the end: got %q, want %q", mode, got, want[1])
		}
	}
}

// TestLostFileIsGivenUp wants a file that was opened for a caller who does not know it
// to stay until Deliver, and no longer.
func TestLostFileIsGivenUp(t *testing.T) {
	for _, mode := range []storetest.Mode{storetest.Lose, storetest.Twice, storetest.Late} {
		f, memory := faulty(t, storetest.Fault{Op: storetest.OpStage, Mode: mode})
		if _, err := f.Stage(t.Context(), "k"); err == nil {
			t.Errorf("%s: got no error", mode)
		}
		if _, there := memory.Snapshot()["k"]; there != (mode != storetest.Late) {
			t.Errorf("%s: it is there: %t", mode, there)
		}
		f.Deliver()
		if _, there := memory.Snapshot()["k"]; there {
			t.Errorf("%s: nobody gave it up", mode)
		}
	}
}

// TestCutFile wants a file that was opened in mode Cut to be read up to its middle,
// one way or the other, and no further.
func TestCutFile(t *testing.T) {
	f, _ := faulty(t, storetest.Fault{Op: storetest.OpOpen, Mode: storetest.Cut})
	r, size, err := f.Open(t.Context(), "s")
	must(t, err)
	defer r.Close()
	got, err := io.ReadAll(r)
	if size != 6 || string(got) != "sta" || !errors.Is(err, storetest.ErrInjected) {
		t.Errorf("got %d, %q, %v, want the half of it", size, got, err)
	}
	_, err = r.Seek(1, io.SeekStart)
	must(t, err)
	if got, err := io.ReadAll(r); string(got) != "ta" || !errors.Is(err, storetest.ErrInjected) {
		t.Errorf("from 1: got %q, %v", got, err)
	}
	for _, test := range []struct {
		at   int64
		want string
		ok   bool
	}{{0, "st", true}, {1, "ta", true}, {2, "a", false}, {4, "", false}} {
		var p [2]byte
		n, err := r.ReadAt(p[:], test.at)
		if string(p[:n]) != test.want || (err == nil) != test.ok {
			t.Errorf("at %d: got %q, %v, want %q", test.at, p[:n], err, test.want)
		}
	}
}

// TestFaultsByPlace wants a fault to hit the operations that it names, as often as it
// says.
func TestFaultsByPlace(t *testing.T) {
	f := &storetest.Faulty{Store: &storetest.Memory{}}
	f.Inject(storetest.Fault{Op: storetest.OpRead, Key: "a/*", Index: 2, Times: 2})
	var got []string
	for _, key := range []string{"a/1", "b/1", "a/2", "a/3", "a/b/c", "a/4"} {
		_ = f.Create(t.Context(), key, nil)
		if _, err := f.Read(t.Context(), key); errors.Is(err, storetest.ErrInjected) {
			got = append(got, key)
		}
	}
	if want := []string{"a/2", "a/3"}; !slices.Equal(got, want) {
		t.Errorf("hit %q, want %q", got, want)
	}
}

// TestStorm wants a storm to be the same for the same seed, of every mode, about as
// frequent as asked, and to come again when it is replayed, in part too.
func TestStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := func(f *storetest.Faulty) []storetest.Hit {
			f.Store = &storetest.Memory{}
			for i := range 2000 {
				_ = f.Create(t.Context(), fmt.Sprint(i), nil)
			}
			f.Deliver()
			return f.Hits()
		}
		first := run((&storetest.Faulty{}).Storm(7, 0.2))
		if again := run((&storetest.Faulty{}).Storm(7, 0.2)); !slices.Equal(first, again) {
			t.Error("the same seed gives other faults")
		}
		if other := run((&storetest.Faulty{}).Storm(8, 0.2)); slices.Equal(first, other) {
			t.Error("another seed gives the same faults")
		}
		if n := len(first); n < 300 || n > 500 {
			t.Errorf("got %d faults in 2000 operations, want about 400", n)
		}
		found := map[storetest.Mode]bool{}
		for _, h := range first {
			found[h.Mode] = true
		}
		if want := len(storetest.Modes()); len(found) != want {
			t.Errorf("got modes %v, want all %d", found, want)
		}
		some := first[10:13]
		if got := run((&storetest.Faulty{}).Replay(some)); !slices.Equal(got, some) {
			t.Errorf("replayed: got %v, want %v", got, some)
		}
	})
}

// TestTranscriptNamesModes wants a reader of a transcript to see what was done.
func TestTranscriptNamesModes(t *testing.T) {
	want := map[storetest.Mode]string{
		storetest.Fail: "create k: injected fault", storetest.Lose: "create k: answer lost", storetest.Late: "create k: delayed",
		storetest.Land: "create k: lands later", storetest.Throttle: "create k: throttled", storetest.Delay: "create k: waited",
		storetest.Twice: "create k: twice: already exists", storetest.Cut: "create k: cut",
	}
	for _, mode := range storetest.Modes() {
		synctest.Test(t, func(t *testing.T) {
			f, _ := faulty(t, storetest.Fault{Mode: mode, Wait: time.Second})
			_ = f.Create(t.Context(), "k", nil)
			if got := strings.Join(f.Transcript(), "\n"); got != want[mode] {
				t.Errorf("%s: got %q, want %q", mode, got, want[mode])
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
