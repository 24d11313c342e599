// Package deploytest looks at what deploy/ would install: it renders the kustomize
// base as kubectl does, decodes every object strictly with Kubernetes' own types,
// and checks what the objects must agree on, with each other, with the
// configuration that they carry, with the Containerfile and with the program.
//
// It has tests and the checks that they call. It is a module of its own, so that
// Kubernetes' types are no dependency of Tidemark, nor of the linters.
package deploytest
