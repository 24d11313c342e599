package deploytest

import (
	"fmt"
	"net"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// stopSeconds is how long Tidemark takes at most to end after SIGTERM.
const stopSeconds = 10

// configFile is the name under which the base carries the configuration.
const configFile = "tidemark.yaml"

// config is what the objects must agree with. Whether the whole is right is the
// program's to say.
type config struct {
	Lake   string `json:"lake"`
	Memory string `json:"memory"`
	HTTP   struct {
		Listen string `json:"listen"`
	} `json:"http"`
	Kafka struct {
		InstanceID string `json:"instance_id"`
		TLS        struct {
			CAFile string `json:"ca_file"`
		} `json:"tls"`
		SASL struct {
			PasswordFile string `json:"password_file"`
		} `json:"sasl"`
	} `json:"kafka"`
}

// Check returns what is wrong with a base, nothing if it is right.
func Check(b *Base) []string {
	f := &findings{}
	if n := len(b.Pod().Containers) + len(b.Pod().InitContainers); n != 1 {
		f.add("%d containers, want one", n)
		return f.all
	}
	var c config
	if err := yaml.Unmarshal([]byte(b.Config.Data[configFile]), &c); err != nil {
		f.add("%s of the ConfigMap: %v", configFile, err)
		return f.all
	}
	f.selection(b)
	f.oneMember(b, &c)
	f.endpoints(b, &c)
	f.mounts(b)
	f.files(b, &c)
	f.security(b)
	f.resources(b, &c)
	return f.all
}

type findings struct{ all []string }

func (f *findings) add(format string, args ...any) {
	f.all = append(f.all, fmt.Sprintf(format, args...))
}

func (f *findings) want(ok bool, format string, args ...any) {
	if !ok {
		f.add(format, args...)
	}
}

// selection: who selects pods selects ours.
func (f *findings) selection(b *Base) {
	pod := labels.Set(b.Deployment.Spec.Template.Labels)
	f.want(len(b.Service.Spec.Selector) > 0 && labels.SelectorFromSet(b.Service.Spec.Selector).Matches(pod), "the Service does not select the pod")
	for what, s := range map[string]*metav1.LabelSelector{"Deployment": b.Deployment.Spec.Selector, "PodDisruptionBudget": b.Budget.Spec.Selector} {
		selector, err := metav1.LabelSelectorAsSelector(s)
		f.want(err == nil && !selector.Empty() && selector.Matches(pod), "the %s does not select the pod", what)
	}
}

// oneMember: a member with a fixed instance id is alone with its volume, and may be
// moved.
func (f *findings) oneMember(b *Base, c *config) {
	spec := &b.Deployment.Spec
	f.want(c.Kafka.InstanceID != "", "kafka.instance_id is not set: every restart would rebalance")
	f.want(spec.Replicas != nil && *spec.Replicas == 1, "replicas is not 1: two would have one instance_id")
	f.want(spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType, "strategy is not Recreate: old and new pod would have one instance_id")
	limit := b.Budget.Spec.MaxUnavailable
	f.want(limit != nil && limit.IntValue() >= 1, "the PodDisruptionBudget blocks a node's drain for ever")
	grace := b.Pod().TerminationGracePeriodSeconds
	f.want(grace != nil && *grace >= 2*stopSeconds, "terminationGracePeriodSeconds is under %d", 2*stopSeconds)
	f.want(b.Pod().RestartPolicy == "" || b.Pod().RestartPolicy == corev1.RestartPolicyAlways, "restartPolicy is not Always")
	f.want(b.Container().TerminationMessagePolicy == corev1.TerminationMessageFallbackToLogsOnError, "why it stopped is not in the pod's status")
}

// endpoints: probes, Service and scraping meet what http.listen opens.
func (f *findings) endpoints(b *Base, c *config) {
	_, port, err := net.SplitHostPort(c.HTTP.Listen)
	f.want(err == nil, "http.listen %q is no address", c.HTTP.Listen)
	ports := b.Container().Ports
	if len(ports) != 1 || strconv.Itoa(int(ports[0].ContainerPort)) != port {
		f.add("the container's ports are %v, want the one of http.listen, %s", ports, port)
		return
	}
	name := ports[0].Name
	for what, probe := range map[string]*corev1.Probe{
		"/healthz startup": b.Container().StartupProbe, "/healthz liveness": b.Container().LivenessProbe, "/readyz readiness": b.Container().ReadinessProbe,
	} {
		want, what, _ := strings.Cut(what, " ")
		f.want(probe != nil && probe.HTTPGet != nil && probe.HTTPGet.Path == want && probe.HTTPGet.Port.StrVal == name,
			"the %s probe does not get %s from port %s", what, want, name)
	}
	service := b.Service.Spec.Ports
	f.want(len(service) == 1 && service[0].TargetPort.StrVal == name, "the Service does not lead to port %s", name)
	notes := b.Deployment.Spec.Template.Annotations
	f.want(notes["prometheus.io/port"] == port && notes["prometheus.io/path"] == "/metrics", "Prometheus is not sent to /metrics on %s", port)
}

// mounts: each volume is mounted and each mount has its volume; what is named is in
// the base, but for the Secret, which must not be.
func (f *findings) mounts(b *Base) {
	var volumes, mounts []string
	for _, v := range b.Pod().Volumes {
		volumes = append(volumes, v.Name)
		f.want(v.ConfigMap == nil || v.ConfigMap.Name == b.Config.Name, "volume %s: there is no such ConfigMap", v.Name)
		f.want(v.PersistentVolumeClaim == nil || v.PersistentVolumeClaim.ClaimName == b.Volume.Name, "volume %s: there is no such claim", v.Name)
		f.want(v.Secret == nil || v.Secret.DefaultMode != nil && *v.Secret.DefaultMode&0o007 == 0, "volume %s: the Secret may be read by all", v.Name)
		f.want(v.EmptyDir == nil && v.HostPath == nil, "volume %s does not last, or belongs to the node", v.Name)
	}
	for _, m := range b.Container().VolumeMounts {
		mounts = append(mounts, m.Name)
	}
	slices.Sort(volumes)
	slices.Sort(mounts)
	f.want(slices.Equal(volumes, mounts), "volumes %v, but mounts %v", volumes, mounts)
	f.want(b.Pod().ServiceAccountName == b.Account.Name, "there is no ServiceAccount %q", b.Pod().ServiceAccountName)
}

var variable = regexp.MustCompile(`\$\{(\w+)\}`)

// files: what the configuration and the arguments name is mounted, and the lake can
// be written.
func (f *findings) files(b *Base, c *config) {
	args := b.Container().Args
	at := slices.Index(args, "-c")
	if at < 0 || at+1 == len(args) {
		f.add("the arguments %q name no configuration", args)
		return
	}
	f.file(b, "-c", args[at+1], func(v corev1.Volume, name string) bool { return v.ConfigMap != nil && name == configFile })
	secret := func(v corev1.Volume, name string) bool {
		return v.Secret != nil && slices.ContainsFunc(v.Secret.Items, func(k corev1.KeyToPath) bool { return k.Path == name })
	}
	f.file(b, "kafka.tls.ca_file", c.Kafka.TLS.CAFile, secret)
	f.file(b, "kafka.sasl.password_file", c.Kafka.SASL.PasswordFile, secret)
	f.file(b, "lake", strings.TrimPrefix(c.Lake, "file://"), func(v corev1.Volume, _ string) bool { return v.PersistentVolumeClaim != nil })
	for _, m := range variable.FindAllStringSubmatch(b.Config.Data[configFile], -1) {
		f.want(slices.ContainsFunc(b.Container().Env, func(e corev1.EnvVar) bool { return e.Name == m[1] }), "%s: the pod does not set %s", configFile, m[1])
	}
}

// file wants a path to lie directly in a mount whose volume is the right one for it.
func (f *findings) file(b *Base, what, name string, right func(v corev1.Volume, name string) bool) {
	for _, m := range b.Container().VolumeMounts {
		if path.Dir(name) != path.Clean(m.MountPath) {
			continue
		}
		for _, v := range b.Pod().Volumes {
			if v.Name == m.Name && right(v, path.Base(name)) {
				f.want(m.ReadOnly == (v.PersistentVolumeClaim == nil), "%s: mount %s: readOnly is %t", what, m.MountPath, m.ReadOnly)
				return
			}
		}
	}
	f.add("%s: %q is not mounted", what, name)
}

// security: the restricted profile of Kubernetes' pod security standards, and more.
func (f *findings) security(b *Base) {
	pod, own := b.Pod().SecurityContext, b.Container().SecurityContext
	if pod == nil || own == nil {
		f.add("there is no securityContext of the pod, or none of the container")
		return
	}
	yes := func(p *bool) bool { return p != nil && *p }
	no := func(p *bool) bool { return p != nil && !*p }
	f.want(yes(pod.RunAsNonRoot) && pod.RunAsUser != nil && *pod.RunAsUser != 0, "it may run as root")
	f.want(pod.FSGroup != nil && pod.RunAsGroup != nil && *pod.FSGroup == *pod.RunAsGroup, "the volume is not its group's")
	f.want(pod.SeccompProfile != nil && pod.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault, "seccomp is not RuntimeDefault")
	f.want(no(own.AllowPrivilegeEscalation), "it may gain privileges")
	f.want(yes(own.ReadOnlyRootFilesystem), "its root file system may be written")
	f.want(own.Capabilities != nil && slices.Equal(own.Capabilities.Drop, []corev1.Capability{"ALL"}) && len(own.Capabilities.Add) == 0, "it keeps capabilities")
	f.want(own.Privileged == nil && !b.Pod().HostNetwork && !b.Pod().HostPID && !b.Pod().HostIPC, "it is privileged, or shares the node's namespaces")
	f.want(no(b.Pod().AutomountServiceAccountToken) && no(b.Account.AutomountServiceAccountToken), "it gets a token of Kubernetes")
}

// resources: a memory limit above what the configuration allows itself.
func (f *findings) resources(b *Base, c *config) {
	r := b.Container().Resources
	budget, err := resource.ParseQuantity(strings.TrimSuffix(c.Memory, "B"))
	if err != nil {
		f.add("memory %q: %v", c.Memory, err)
		return
	}
	f.want(r.Limits.Memory().Value() >= budget.Value()*5/4, "the memory limit %v is not a quarter above memory: %s", r.Limits.Memory(), c.Memory)
	f.want(r.Requests.Memory().Equal(*r.Limits.Memory()), "of memory less is requested than it may use")
	f.want(!r.Requests.Cpu().IsZero() && r.Limits.Cpu().Cmp(*r.Requests.Cpu()) >= 0, "processors are not requested and limited")
}
