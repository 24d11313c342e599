package ledger

import "fmt"

// Claimant is what an attempt needs to know of a proposal.
type Claimant struct {
	Kind         Kind
	Batch, Nonce string
	Sources      []Source
}

// EventKind says what the store answered.
type EventKind uint8

// The events.
const (
	Loaded     EventKind = iota // the ledger was read to the head: State
	PutOK                       // the record was created, durably
	PutTaken                    // the number is taken (412)
	PutAgain                    // the store asks for the same call again (409)
	PutDoubt                    // no answer, or one that tells nothing
	GotRecord                   // the number holds Record
	GotNothing                  // the number is free
	GetDoubt                    // the number could not be read
)

var eventNames = [...]string{"loaded", "put ok", "put taken", "put again", "put doubt", "got record", "got nothing", "get doubt"}

func (k EventKind) String() string { return eventNames[k] }

// Event is an answer.
type Event struct {
	Kind   EventKind
	State  *State  // of Loaded
	Record *Record // of GotRecord
}

// ActionKind says what is to be done next.
type ActionKind uint8

// The actions.
const (
	Put    ActionKind = iota // create record Seq, sealed for State; the same bytes each time
	Get                      // read record Seq
	Reload                   // read the ledger to its head
	Done                     // record Seq is ours
	Drop                     // the batch can never be decided: Why
)

var actionNames = [...]string{"put", "get", "reload", "done", "drop"}

func (k ActionKind) String() string { return actionNames[k] }

// Action is what to do. Done and Drop are the last.
type Action struct {
	Kind  ActionKind
	Seq   int64
	State *State // of Put: the state before Seq
	Why   string // of Drop
}

// Attempt is the way of one proposal to its decision, as pure logic: answers in,
// actions out. It is a value; a copy goes its own way.
//
//	            +--------------- moved ---------------> Drop
//	            |
//	Loaded -> compare -> Put --- ok ------------------> Done
//	            ^        ^ |
//	            |    free| | taken, doubt
//	            |        | v
//	         Reload <-- Get --- ours -----------------> Done
//	                another's
//
// There is no way from Put to a higher number but through a record that was read
// at the lower one (R5), and none from another's record to Put but through the
// comparison of every source (R6).
type Attempt struct {
	who   Claimant
	state *State // that seq follows
	seq   int64  // the number that is asked for, 0 before the first
	taken int64  // the highest number seen to hold another's record
	step  ActionKind
}

// NewAttempt begins an attempt. Its first event is Loaded.
func NewAttempt(who Claimant) Attempt { return Attempt{who: who, step: Reload} }

// Next takes the answer to the last action and gives the next action. It panics
// when the event is no answer to that action.
func (a *Attempt) Next(ev Event) Action {
	act := a.next(ev)
	a.step = act.Kind
	return act
}

func (a *Attempt) next(ev Event) Action {
	switch {
	case a.step == Reload && ev.Kind == Loaded:
		return a.compare(ev.State)
	case a.step == Put:
		switch ev.Kind {
		case PutOK:
			return Action{Kind: Done, Seq: a.seq}
		case PutTaken, PutDoubt:
			return Action{Kind: Get, Seq: a.seq}
		case PutAgain:
			return a.put()
		}
	case a.step == Get:
		switch ev.Kind {
		case GotRecord:
			return a.settle(ev.Record)
		case GotNothing:
			return a.put()
		case GetDoubt:
			return Action{Kind: Get, Seq: a.seq}
		}
	}
	panic(fmt.Sprintf("attempt of batch %s: %q is no answer to %q", a.who.Batch, ev.Kind, a.step))
}

// compare is R4, and R6 when it is not the first time.
func (a *Attempt) compare(st *State) Action {
	if st.Head < a.taken {
		// Some other's record was seen above: what was loaded is older than that.
		return Action{Kind: Reload}
	}
	if err := st.Compare(a.who.Kind, a.who.Sources); err != nil {
		return Action{Kind: Drop, Why: err.Error()}
	}
	if a.who.Kind == KindHalt {
		if h, ok := st.Halted(a.who.Sources); ok {
			return Action{Kind: Drop, Why: fmt.Sprintf("the halt is recorded already, as %d", h.Seq)}
		}
	}
	a.state, a.seq = st, st.Head+1
	return a.put()
}

func (a *Attempt) put() Action { return Action{Kind: Put, Seq: a.seq, State: a.state} }

// settle is R5: a record that was found at our number is ours or another's.
func (a *Attempt) settle(r *Record) Action {
	if r.Batch == a.who.Batch && r.Nonce == a.who.Nonce {
		return Action{Kind: Done, Seq: a.seq}
	}
	a.taken = a.seq
	return Action{Kind: Reload}
}
