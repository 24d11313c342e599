package rawfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tidemark/internal/jsontext"
)

// parquetKind is what a node looks like in JSON.
type parquetKind uint8

const (
	parquetObject parquetKind = iota
	parquetList
	parquetMap
	// Leaves.
	parquetBoolean
	parquetInt
	parquetUint32
	parquetUint64
	parquetHalf
	parquetFloat
	parquetDouble
	parquetNumber  // a decimal in an integer
	parquetDecimal // a decimal in bytes
	parquetDate
	parquetTime
	parquetMoment
	parquetInt96
	parquetText
	parquetBinary
	parquetUUID
	parquetInterval
)

// The physical types.
const (
	physicalBoolean = 0
	physicalInt32   = 1
	physicalInt64   = 2
	physicalInt96   = 3
	physicalFloat   = 4
	physicalDouble  = 5
	physicalBytes   = 6
	physicalFixed   = 7
)

// parquetNode is a node of the schema, compiled. Of a list, the only child is the
// element; of a map, the children are key and value.
type parquetNode struct {
	kind     parquetKind
	name     string
	key      []byte // as it stands in JSON: "name":
	optional bool
	def      int // level of definition from which it is not null
	// Of a list and a map: the level of definition from which there is an element, and
	// the level of repetition with which another one comes.
	some, rep int
	children  []*parquetNode
	from, to  int // its leaves

	// Of a leaf.
	path             string
	physical         int32
	width            int // bytes of a value, 0: each has its own
	maxDef, maxRep   int
	unit             jsontext.Unit
	zoned            bool
	scale, precision int
	shortest         bool // a float is written with as few digits as name it, whatever it is
}

// parquetTree compiles a schema.
type parquetTree struct {
	elements []parquetElement
	next     int
	leaves   []*parquetNode
}

// rawNode is a node as it stands in the file.
type rawNode struct {
	e        *parquetElement
	def, rep int // with its own
	children []*rawNode
	leaf     *parquetNode
	from, to int
}

func (n *rawNode) repeated() bool { return n.e.repetition == 2 }

// compileParquet compiles a schema. The columns in exact may not be floating, those in inexact may.
func compileParquet(elements []parquetElement, exact, inexact []string) (*parquetNode, []*parquetNode, error) {
	if len(elements) == 0 {
		return nil, nil, errors.New("has no schema")
	}
	c := &parquetTree{elements: elements}
	elements[0].repetition = 0
	root, err := c.read("", &rawNode{}, 0)
	switch {
	case err != nil:
		return nil, nil, err
	case c.next != len(elements):
		return nil, nil, fmt.Errorf("its schema has %d lines that belong to no group", len(elements)-c.next)
	case root.leaf != nil || len(c.leaves) == 0:
		return nil, nil, errors.New("has no columns")
	}
	top := object(root, 0)
	for _, n := range top.children {
		kind := ""
		switch n.kind {
		case parquetFloat:
			kind = "float"
		case parquetDouble:
			kind = "double"
		case parquetHalf:
			kind = "a float of 16 bits"
		}
		n.shortest = kind != "" && slices.Contains(inexact, n.name)
		if kind != "" && slices.Contains(exact, n.name) {
			return nil, nil, &inexactError{n.name, kind}
		}
	}
	return top, c.leaves, nil
}

// read reads the node that stands next in the list, with all below it.
func (c *parquetTree) read(path string, parent *rawNode, depth int) (*rawNode, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("nests types more than %d deep", maxNesting)
	}
	if c.next >= len(c.elements) {
		return nil, errors.New("its schema is shorter than its groups claim")
	}
	e := &c.elements[c.next]
	c.next++
	n := &rawNode{e: e, def: parent.def, rep: parent.rep, from: len(c.leaves)}
	switch e.repetition {
	case 0:
	case 1:
		n.def++
	case 2:
		n.def++
		n.rep++
	default:
		return nil, fmt.Errorf("column %q has repetition %d", e.name, e.repetition)
	}
	if depth > 0 {
		path = strings.TrimPrefix(path+"."+e.name, ".")
	}
	if e.typ >= 0 {
		leaf, err := e.leaf(path)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", path, err)
		}
		leaf.maxDef, leaf.maxRep = n.def, n.rep
		n.leaf = leaf
		c.leaves = append(c.leaves, leaf)
	}
	if e.children < 0 || e.typ >= 0 && e.children > 0 || e.typ < 0 && e.children == 0 && depth > 0 {
		return nil, fmt.Errorf("column %q claims %d columns within", path, e.children)
	}
	names := map[string]bool{}
	for range e.children {
		child, err := c.read(path, n, depth+1)
		if err != nil {
			return nil, err
		}
		if names[child.e.name] {
			return nil, fmt.Errorf("has two columns %q", strings.TrimPrefix(path+"."+child.e.name, "."))
		}
		names[child.e.name] = true
		n.children = append(n.children, child)
	}
	n.to = len(c.leaves)
	return n, nil
}

// compile makes the node for JSON. A repeated one that nothing says more about is a list.
func compile(n *rawNode) *parquetNode {
	if n.repeated() {
		return label(n, &parquetNode{kind: parquetList, some: n.def, rep: n.rep, children: []*parquetNode{element(n)}})
	}
	isList := n.e.logical == 3 || n.e.converted == 3
	isMap := n.e.logical == 2 || n.e.converted == 1 || n.e.converted == 2
	if n.leaf == nil && len(n.children) == 1 && n.children[0].repeated() {
		switch inner := n.children[0]; {
		case isList:
			of := element(inner)
			if inner.leaf == nil && len(inner.children) == 1 && !inner.children[0].repeated() &&
				inner.e.name != "array" && inner.e.name != n.e.name+"_tuple" {
				of = compile(inner.children[0])
			}
			return label(n, &parquetNode{kind: parquetList, some: inner.def, rep: inner.rep, children: []*parquetNode{of}})
		case isMap && inner.leaf == nil && len(inner.children) == 2:
			return label(n, &parquetNode{kind: parquetMap, some: inner.def, rep: inner.rep,
				children: []*parquetNode{compile(inner.children[0]), compile(inner.children[1])}})
		}
	}
	return element(n)
}

// element is the node without its being repeated.
func element(n *rawNode) *parquetNode {
	if n.leaf != nil {
		return label(n, n.leaf)
	}
	return label(n, object(n, n.def))
}

func object(n *rawNode, def int) *parquetNode {
	o := &parquetNode{kind: parquetObject, def: def, from: n.from, to: n.to}
	for _, child := range n.children {
		o.children = append(o.children, compile(child))
	}
	return o
}

// label gives a node what all have.
func label(n *rawNode, to *parquetNode) *parquetNode {
	to.name = n.e.name
	to.key = append(jsontext.AppendString(nil, []byte(n.e.name)), ':')
	to.optional = n.e.repetition == 1
	to.from, to.to = n.from, n.to
	to.def = n.def
	return to
}
