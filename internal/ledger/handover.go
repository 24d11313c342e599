package ledger

import "fmt"

// Look is what a publisher sees of one file.
type Look uint8

// The looks.
const (
	Begin        Look = iota // nothing seen yet
	Moved                    // it was published just now
	StagedAbsent             // nothing has the staged name
	StagedWrong              // the staged file has another size than the record says
	FinalTaken               // the final name is taken by another file
	FinalRight               // the final is there with the right size
	FinalWrong               // the final is there with another size
	FinalAbsent              // nothing has the final name
)

var lookNames = [...]string{"begin", "moved", "staged absent", "staged wrong", "final taken", "final right", "final wrong", "final absent"}

func (l Look) String() string { return lookNames[l] }

// Step is what a publisher does next with one file.
type Step uint8

// The steps.
const (
	Move      Step = iota // publish the staged file under the final name of the record
	LookFinal             // look at the final
	Published             // the final is verified
	Alarm                 // the file is lost, or is not the record's
)

var stepNames = [...]string{"move", "look final", "published", "alarm"}

func (s Step) String() string { return stepNames[s] }

// Handover brings one file of a decided record from its staged to its final name,
// as pure logic (R7). Other publishers may be at the same file: the staged name is
// looked at first, for it is the one that goes away. Looking the other way round
// would find neither while another moves it, and raise a false alarm.
type Handover struct{ step Step }

// Next takes what was seen and gives the next step. An error of the store is not
// an event: the handover is given up, and begun again later from Begin. It panics
// when the look is no answer to the last step.
func (h *Handover) Next(saw Look) Step {
	h.step = h.next(saw)
	return h.step
}

func (h *Handover) next(saw Look) Step {
	switch saw {
	case Begin:
		return Move
	case Moved, StagedAbsent, StagedWrong, FinalTaken:
		if h.step == Move {
			return LookFinal // verify, whoever put it there
		}
	case FinalRight:
		if h.step == LookFinal {
			return Published
		}
	case FinalWrong, FinalAbsent:
		if h.step == LookFinal {
			return Alarm
		}
	}
	panic(fmt.Sprintf("handover: %q is no answer to %q", saw, h.step))
}
