package deploytest

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// Base is a rendered base: one object of each kind.
type Base struct {
	Deployment appsv1.Deployment
	Config     corev1.ConfigMap
	Service    corev1.Service
	Volume     corev1.PersistentVolumeClaim
	Account    corev1.ServiceAccount
	Budget     policyv1.PodDisruptionBudget
}

// Render renders the kustomization in a folder of fs. An object of another kind, a
// second one of a kind, and a field that Kubernetes does not know are errors.
func Render(fs filesys.FileSystem, dir string) (*Base, error) {
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fs, dir)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", dir, err)
	}
	var b Base
	into := map[string]any{
		"apps/v1 Deployment":            &b.Deployment,
		"v1 ConfigMap":                  &b.Config,
		"v1 Service":                    &b.Service,
		"v1 PersistentVolumeClaim":      &b.Volume,
		"v1 ServiceAccount":             &b.Account,
		"policy/v1 PodDisruptionBudget": &b.Budget,
	}
	for _, r := range rendered.Resources() {
		kind := r.GetApiVersion() + " " + r.GetKind()
		object, wanted := into[kind]
		if !wanted {
			return nil, fmt.Errorf("render %s: %s %s is not wanted, or there are two", dir, kind, r.GetName())
		}
		delete(into, kind)
		if err := decode(r, object); err != nil {
			return nil, fmt.Errorf("decode %s %s: %w", kind, r.GetName(), err)
		}
	}
	for kind := range into {
		return nil, fmt.Errorf("render %s: there is no %s", dir, kind)
	}
	return &b, nil
}

func decode(r *resource.Resource, object any) error {
	text, err := r.AsYAML()
	if err != nil {
		return err
	}
	return yaml.UnmarshalStrict(text, object)
}

// Pod is the pod's specification.
func (b *Base) Pod() *corev1.PodSpec { return &b.Deployment.Spec.Template.Spec }

// Container is the one container.
func (b *Base) Container() *corev1.Container { return &b.Pod().Containers[0] }
