package deploytest_test

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"tidemark/tools/deploytest"
)

const base = "../../deploy/kubernetes"

func render(t *testing.T) *deploytest.Base {
	t.Helper()
	b, err := deploytest.Render(filesys.MakeFsOnDisk(), base)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBase(t *testing.T) {
	for _, finding := range deploytest.Check(render(t)) {
		t.Error(finding)
	}
}

// A changed configuration must get the Deployment a new pod.
func TestConfigIsNamedByItsContent(t *testing.T) {
	if name := render(t).Config.Name; !strings.HasPrefix(name, "tidemark-") {
		t.Errorf("got ConfigMap %q, want a name that ends in a hash", name)
	}
}

// Each check finds the base that breaks it.
func TestChecks(t *testing.T) {
	replace := func(old, with string) func(*deploytest.Base) {
		return func(b *deploytest.Base) {
			text := b.Config.Data["tidemark.yaml"]
			if !strings.Contains(text, old) {
				t.Errorf("the configuration has no %q", old)
			}
			b.Config.Data["tidemark.yaml"] = strings.ReplaceAll(text, old, with)
		}
	}
	for _, test := range []struct {
		want string
		make func(b *deploytest.Base)
	}{
		{"want one", func(b *deploytest.Base) { b.Pod().Containers = append(b.Pod().Containers, *b.Container()) }},
		{"of the ConfigMap", replace("lake:", "\t")},
		{"Service does not select", func(b *deploytest.Base) { b.Service.Spec.Selector["app.kubernetes.io/name"] = "other" }},
		{"PodDisruptionBudget does not select", func(b *deploytest.Base) { b.Budget.Spec.Selector.MatchLabels = nil }},
		{"instance_id is not set", replace("instance_id: ${INSTANCE_ID}", "")},
		{"replicas is not 1", func(b *deploytest.Base) { *b.Deployment.Spec.Replicas = 2 }},
		{"not Recreate", func(b *deploytest.Base) { b.Deployment.Spec.Strategy = appsv1.DeploymentStrategy{} }},
		{"blocks a node's drain", func(b *deploytest.Base) { b.Budget.Spec.MaxUnavailable = nil }},
		{"terminationGracePeriodSeconds", func(b *deploytest.Base) { *b.Pod().TerminationGracePeriodSeconds = 10 }},
		{"why it stopped", func(b *deploytest.Base) { b.Container().TerminationMessagePolicy = "" }},
		{"want the one of http.listen", replace(`":8080"`, `":8081"`)},
		{"is no address", replace(`":8080"`, "")},
		{"liveness probe", func(b *deploytest.Base) { b.Container().LivenessProbe.HTTPGet.Path = "/readyz" }},
		{"readiness probe", func(b *deploytest.Base) { b.Container().ReadinessProbe = nil }},
		{"Service does not lead", func(b *deploytest.Base) { b.Service.Spec.Ports[0].TargetPort.StrVal = "web" }},
		{"Prometheus", func(b *deploytest.Base) {
			b.Deployment.Spec.Template.Annotations["prometheus.io/port"] = "80"
		}},
		{"no such ConfigMap", func(b *deploytest.Base) { b.Config.Name = "other" }},
		{"no such claim", func(b *deploytest.Base) { b.Volume.Name = "other" }},
		{"may be read by all", func(b *deploytest.Base) { *b.Pod().Volumes[1].Secret.DefaultMode = 0o444 }},
		{"but mounts", func(b *deploytest.Base) { b.Pod().Volumes[0].Name = "other" }},
		{"no ServiceAccount", func(b *deploytest.Base) { b.Account.Name = "other" }},
		{"name no configuration", func(b *deploytest.Base) { b.Container().Args = []string{"run"} }},
		{"-c:", func(b *deploytest.Base) { b.Container().Args = []string{"run", "-c", "/etc/tidemark.yaml"} }},
		{"kafka.tls.ca_file:", replace("kafka/ca.pem", "kafka/root.pem")},
		{"kafka.sasl.password_file:", replace("/var/run/secrets/tidemark/kafka/password", "/var/run/secrets/password")},
		{"lake:", replace("file:///var/lib/tidemark/lake", "file:///lake")},
		{"readOnly is true", func(b *deploytest.Base) { b.Container().VolumeMounts[2].ReadOnly = true }},
		{"does not set INSTANCE_ID", func(b *deploytest.Base) { b.Container().Env = nil }},
		{"no securityContext", func(b *deploytest.Base) { b.Pod().SecurityContext = nil }},
		{"run as root", func(b *deploytest.Base) { *b.Pod().SecurityContext.RunAsUser = 0 }},
		{"not its group's", func(b *deploytest.Base) { b.Pod().SecurityContext.FSGroup = nil }},
		{"seccomp", func(b *deploytest.Base) { b.Pod().SecurityContext.SeccompProfile = nil }},
		{"gain privileges", func(b *deploytest.Base) { b.Container().SecurityContext.AllowPrivilegeEscalation = nil }},
		{"may be written", func(b *deploytest.Base) { b.Container().SecurityContext.ReadOnlyRootFilesystem = nil }},
		{"keeps capabilities", func(b *deploytest.Base) { b.Container().SecurityContext.Capabilities.Drop = nil }},
		{"node's namespaces", func(b *deploytest.Base) { b.Pod().HostPID = true }},
		{"token of Kubernetes", func(b *deploytest.Base) { b.Pod().AutomountServiceAccountToken = nil }},
		{"not a quarter above", replace("memory: 1GiB", "memory: 1500MiB")},
		{"less is requested", func(b *deploytest.Base) {
			b.Container().Resources.Requests["memory"] = resource.MustParse("1Gi")
		}},
		{"processors", func(b *deploytest.Base) { delete(b.Container().Resources.Requests, "cpu") }},
	} {
		b := render(t)
		test.make(b)
		got := deploytest.Check(b)
		if !slices.ContainsFunc(got, func(f string) bool { return strings.Contains(f, test.want) }) {
			t.Errorf("got %q, want a finding with %q", got, test.want)
		}
	}
}

// What Kubernetes would drop without a word, or find only when it is applied, is
// found here.
func TestRenderIsStrict(t *testing.T) {
	disk := filesys.MakeFsOnDisk()
	names, err := disk.ReadDir(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ file, old, with, want string }{
		{"deployment.yaml", "imagePullPolicy:", "imagePullPolice:", "imagePullPolice"},
		{"deployment.yaml", "periodSeconds: 5", "periodSeconds: five", "periodSeconds"},
		{"service.yaml", "kind: Service", "kind: Ingress", "not wanted"},
		{"kustomization.yaml", "  - volume.yaml\n", "", "there is no v1 PersistentVolumeClaim"},
	} {
		fs := filesys.MakeFsInMemory()
		for _, name := range names {
			data, err := disk.ReadFile(base + "/" + name)
			if err != nil {
				t.Fatal(err)
			}
			if name == test.file {
				if !strings.Contains(string(data), test.old) {
					t.Errorf("%s has no %q", name, test.old)
				}
				data = []byte(strings.ReplaceAll(string(data), test.old, test.with))
			}
			if err := fs.WriteFile("/"+name, data); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := deploytest.Render(fs, "/"); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %s: got %v, want an error with %q", test.file, test.with, err, test.want)
		}
	}
}
