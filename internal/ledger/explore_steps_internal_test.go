// White-box: see explore_internal_test.go.

package ledger

import (
	"fmt"
	"maps"
	"slices"
)

func (x *explorer) writerSteps(w *world, i int, do emit) {
	s := w.writers[i]
	if s.batch < 0 {
		x.buildSteps(w, i, do)
		return
	}
	name := fmt.Sprintf("W%d %s", i, s.act.Kind)
	switch s.act.Kind {
	case Put:
		x.putSteps(w, i, do)
	case Get:
		c := w.clone()
		ev := Event{Kind: GotNothing}
		if n := int(s.act.Seq); n <= len(w.ledger) && w.ledger[n-1] != 0 {
			ev = Event{Kind: GotRecord, Record: x.record(w.ledger[n-1]-1, s.act.Seq)}
		}
		x.answer(&c, i, ev)
		do(fmt.Sprintf("%s %d: %s", name, s.act.Seq, ev.Kind), c, "")
		if w.lost > 0 {
			c := w.clone()
			c.lost--
			x.answer(&c, i, Event{Kind: GetDoubt})
			do(name+": no answer", c, "")
		}
	case Reload:
		st, err := x.load(w)
		if err != nil {
			do(name, w.clone(), "ledger broken: "+err.Error())
			return
		}
		c := w.clone()
		x.answer(&c, i, Event{Kind: Loaded, State: st})
		do(name, c, "")
	}
	if s.doubt {
		c := w.clone()
		if x.drop == "delete-on-drop" {
			delete(c.staged, x.builds[s.batch].name)
		}
		c.writers[i] = writerState{batch: -1}
		do(fmt.Sprintf("W%d gives up", i), c, "")
	}
	if w.kills > 0 {
		c := w.clone()
		c.kills--
		if x.drop == "delete-on-SIGTERM" {
			delete(c.staged, x.builds[s.batch].name)
		}
		c.writers[i] = writerState{batch: -1}
		do(fmt.Sprintf("W%d is killed", i), c, "")
	}
}

// buildSteps load, and stage every batch that the writer may build from there.
func (x *explorer) buildSteps(w *world, i int, do emit) {
	st, err := x.load(w)
	if err != nil {
		do(fmt.Sprintf("W%d load", i), w.clone(), "ledger broken: "+err.Error())
		return
	}
	var choose func(p int, starts, ends []int64)
	choose = func(p int, starts, ends []int64) {
		if p == x.partitions {
			if !slices.Equal(starts, ends) {
				x.stage(w, i, st, slices.Clone(starts), slices.Clone(ends), do)
			}
			return
		}
		next := st.Sources[keyOf(p)].Next
		last := next
		if x.wild {
			last = int64(x.rows) - 1
		}
		for from := next; from <= max(next, last); from++ {
			for to := from; to <= int64(x.rows); to++ {
				choose(p+1, append(starts, from), append(ends, to))
			}
		}
	}
	choose(0, nil, nil)
}

func (x *explorer) stage(w *world, i int, st *State, starts, ends []int64, do emit) {
	c := w.clone()
	b := x.intern(w, i, starts, ends)
	name := x.builds[b].name
	c.staged[name] = file{content: b, durable: x.drop != "no-fsync"}
	if x.drop == "main-first" {
		c.final[name] = map[int]int{-1: b}
	}
	c.writers[i] = writerState{batch: b, attempt: NewAttempt(x.claimant(b))}
	x.answer(&c, i, Event{Kind: Loaded, State: st})
	do(fmt.Sprintf("W%d load %d, stage b%d %v-%v", i, st.Head, b, starts, ends), c, "")
}

func (x *explorer) putSteps(w *world, i int, do emit) {
	s := w.writers[i]
	seq := int(s.act.Seq)
	name := fmt.Sprintf("W%d put b%d as %d", i, s.batch, seq)

	c := w.clone()
	free := x.land(&c, seq, s.batch)
	ev := PutTaken
	if free {
		ev = PutOK
	}
	x.answer(&c, i, Event{Kind: ev})
	do(fmt.Sprintf("%s: %s", name, ev), c, "")

	if w.lost > 0 {
		c := w.clone()
		c.lost--
		x.land(&c, seq, s.batch)
		x.answer(&c, i, Event{Kind: PutDoubt})
		do(name+": answer lost", c, "")
	}
	if w.delayed > 0 {
		c := w.clone()
		c.delayed--
		c.flying = append(c.flying, put{seq, s.batch})
		x.answer(&c, i, Event{Kind: PutDoubt})
		do(name+": delayed", c, "")
	}
	if w.twice > 0 {
		c := w.clone()
		c.twice--
		x.land(&c, seq, s.batch)
		x.answer(&c, i, Event{Kind: PutTaken})
		do(name+": second copy answered", c, "")

		c = w.clone()
		c.twice--
		x.answer(&c, i, Event{Kind: PutAgain})
		do(name+": asked again", c, "")
	}
}

// answer gives a writer's attempt an event, through the rule that is dropped.
func (x *explorer) answer(w *world, i int, ev Event) {
	s := &w.writers[i]
	s.doubt = ev.Kind == PutDoubt || ev.Kind == GetDoubt || s.doubt && ev.Kind == GotNothing
	s.act = x.next(&s.attempt, ev)
	if s.act.Kind == Done || s.act.Kind == Drop {
		*s = writerState{batch: -1}
	}
}

// next drives the real attempt. What is dropped is dropped around it: the events
// and states that it sees are forged, or its way is cut short.
func (x *explorer) next(a *Attempt, ev Event) Action {
	skip := x.drop == "skip-n" && ev.Kind == PutDoubt ||
		x.drop == "blind-retry" && (ev.Kind == PutDoubt || ev.Kind == PutTaken)
	if skip {
		a.seq++
		a.step = Put
		return a.put()
	}
	if ev.Kind == Loaded && x.forgives(ev.State, a.who.Sources) {
		forged := *ev.State
		forged.Sources = maps.Clone(forged.Sources)
		for j := range a.who.Sources {
			src := &a.who.Sources[j]
			p := forged.Sources[src.Key()]
			p.Next = src.From
			forged.Sources[src.Key()] = p
		}
		ev.State = &forged
	}
	return a.Next(ev)
}

// forgives says whether a weaker comparison would let the sources pass.
func (x *explorer) forgives(st *State, sources []Source) bool {
	every, some := true, false
	for i := range sources {
		next, src := st.Sources[sources[i].Key()].Next, &sources[i]
		var ok bool
		switch x.drop {
		case "no-compare":
			ok = true
		case "compare-any":
			ok = next == src.From
		case "compare-end":
			ok = next <= src.To
		case "compare-le":
			ok = next <= src.From
		}
		every, some = every && ok, some || ok
	}
	return every || some && x.drop == "compare-any"
}

// stepper is a Handover, or one with a rule dropped.
type stepper interface{ Next(saw Look) Step }

// finalFirst looks at the final before the staged name.
type finalFirst struct{ h *Handover }

func (f finalFirst) Next(saw Look) Step {
	step := Alarm
	switch {
	case saw == Begin:
		step = LookFinal
	case saw == FinalRight:
		step = Published
	case saw == FinalAbsent && f.h.step == LookFinal:
		step = Move
	case saw == Moved:
		step = Published
	}
	f.h.step = step
	return step
}

func (x *explorer) stepper(p *publisherState) stepper {
	if x.drop == "final-first" {
		return finalFirst{&p.handover}
	}
	return &p.handover
}

func (x *explorer) publisherSteps(w *world, i int, do emit) {
	p := w.publishers[i]
	if w.pubKill > 0 {
		c := w.clone()
		c.pubKill--
		c.publishers[i] = publisherState{mark: w.checkpoint}
		do(fmt.Sprintf("P%d is killed, starts at mark %d", i, w.checkpoint), c, "")
	}
	if x.drop == "janitor-undecided" {
		for name, f := range w.staged {
			c := w.clone()
			delete(c.staged, name)
			c.final[name] = map[int]int{-1: f.content}
			do(fmt.Sprintf("P%d publishes b%d", i, name), c, "")
		}
	}
	if p.seq == 0 {
		x.beginSteps(w, i, do)
		return
	}
	b := w.ledger[p.seq-1] - 1
	switch name := x.builds[max(b, 0)].name; {
	case b < 0: // trimmed under its feet
	case p.step == LookFinal:
		c := w.clone()
		saw := FinalAbsent
		if content, ok := w.final[name][x.finalName(i)]; ok {
			saw = FinalWrong
			if content == b {
				saw = FinalRight
			}
		}
		what := x.saw(&c, i, saw)
		do(fmt.Sprintf("P%d %s", i, saw), c, what)
	case p.step == Move:
		x.moveSteps(w, i, do)
	}
}

// finalName is the name a publisher uses: the record's, for which −1 stands.
func (x *explorer) finalName(publisher int) int {
	if x.drop == "own-name" {
		return publisher
	}
	return -1
}

// beginSteps take the first batch from the mark on, and write checkpoints.
func (x *explorer) beginSteps(w *world, i int, do emit) {
	p := w.publishers[i]
	st, err := x.load(w)
	if err != nil {
		do(fmt.Sprintf("P%d load", i), w.clone(), "ledger broken: "+err.Error())
		return
	}
	st = st.withMark(p.mark)
	if len(st.Pending) > 0 {
		c := w.clone()
		c.publishers[i].seq = st.Pending[0].Seq
		x.saw(&c, i, Begin)
		do(fmt.Sprintf("P%d begins record %d", i, st.Pending[0].Seq), c, "")
	}
	mark := st.Mark
	if x.drop == "no-mark" {
		mark = st.Head + 1
	}
	if x.pubKill+x.power > 0 && mark > w.checkpoint {
		c := w.clone()
		c.checkpoint = mark
		do(fmt.Sprintf("P%d checkpoint %d, mark %d", i, st.Head, mark), c, "")
	}
}

// saw gives a publisher's handover a look.
func (x *explorer) saw(w *world, i int, saw Look) string {
	p := &w.publishers[i]
	p.step, p.part = x.stepper(p).Next(saw), 0
	switch p.step {
	case Published:
		*p = publisherState{mark: p.seq + 1}
	case Alarm:
		return "false alarm"
	}
	return ""
}

func (x *explorer) moveSteps(w *world, i int, do emit) {
	p := w.publishers[i]
	b := w.ledger[p.seq-1] - 1
	name, as := x.builds[b].name, x.finalName(i)
	f, staged := w.staged[name]
	c := w.clone()
	put := func(c *world) {
		if c.final[name] == nil {
			c.final[name] = map[int]int{}
		}
		c.final[name][as] = f.content
	}
	switch {
	case !staged && p.part == 0:
		what := x.saw(&c, i, StagedAbsent)
		do(fmt.Sprintf("P%d staged absent", i), c, what)
	case !x.copies:
		delete(c.staged, name)
		put(&c)
		if w.lost > 0 {
			l := c.clone()
			l.lost--
			l.publishers[i] = publisherState{mark: p.mark} // begins again later
			do(fmt.Sprintf("P%d renames, answer lost", i), l, "")
		}
		what := x.saw(&c, i, Moved)
		do(fmt.Sprintf("P%d renames", i), c, what)
	case p.part == 0:
		c.publishers[i].part = 1
		if w.lost > 0 {
			l := c.clone()
			l.lost--
			do(fmt.Sprintf("P%d copy lost", i), l, "")
		}
		put(&c)
		do(fmt.Sprintf("P%d copies", i), c, "")
	case p.part == 1:
		if _, ok := w.final[name][as]; ok || x.drop == "no-verify" {
			c.publishers[i].part = 2
		} else {
			c.publishers[i] = publisherState{mark: p.mark}
		}
		do(fmt.Sprintf("P%d verifies", i), c, "")
	default:
		delete(c.staged, name)
		what := x.saw(&c, i, Moved)
		do(fmt.Sprintf("P%d deletes staged", i), c, what)
	}
}
