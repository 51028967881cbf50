// A stand-in for Argo's Gateway API plugin (argoproj-labs/gatewayAPI), which no Go module serves: it moves the weights of one
// HTTPRoute as the real one does, under the real one's name, so that a Rollout reads the same with either.
//
// It moves weights and nothing else: header routes and mirrors are refused.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/rollout/trafficrouting/plugin/rpc"
	"github.com/argoproj/argo-rollouts/utils/plugin/types"
	goplugin "github.com/hashicorp/go-plugin"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/retry"
)

// pluginName is the real plugin's: what a Rollout writes under trafficRouting.plugins.
const pluginName = "argoproj-labs/gatewayAPI"

// manager is who owns the weights in the route's managed fields.
const manager = "modelyard-stand-in-httproute"

var httpRoutes = schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}

// settings is the part of the real plugin's configuration that this one reads.
type settings struct {
	HTTPRoute string `json:"httpRoute"`
	Namespace string `json:"namespace"`
}

// shares maps the names of Services to the percentage that each shall get.
type shares map[string]int64

type plugin struct {
	client dynamic.Interface
	log    *log.Logger
}

func (p *plugin) InitPlugin() types.RpcError {
	loader := clientcmd.NewDefaultClientConfigLoadingRules()
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(loader, nil).ClientConfig()
	if err != nil {
		return p.failed(fmt.Errorf("no way to the API server: %w", err))
	}
	if p.client, err = dynamic.NewForConfig(config); err != nil {
		return p.failed(err)
	}
	p.log.Print("STAND-IN for " + pluginName + ": it moves the weights of HTTPRoutes, and nothing else")
	return types.RpcError{}
}

func (p *plugin) SetWeight(rollout *v1alpha1.Rollout, canary int32, others []v1alpha1.WeightDestination) types.RpcError {
	wanted := wantedShares(rollout, canary, others)
	err := p.update(rollout, func(rules []any) (bool, error) { return setWeights(rules, wanted) })
	if err == nil {
		p.log.Printf("rollout %s/%s: weights %v", rollout.Namespace, rollout.Name, wanted)
	}
	return p.failed(err)
}

func (p *plugin) VerifyWeight(rollout *v1alpha1.Rollout, canary int32, others []v1alpha1.WeightDestination) (types.RpcVerified, types.RpcError) {
	route, err := p.route(rollout)
	if err != nil {
		return types.NotVerified, p.failed(err)
	}
	rules, _, err := unstructured.NestedSlice(route.Object, "spec", "rules")
	if err != nil {
		return types.NotVerified, p.failed(err)
	}
	moved, err := setWeights(rules, wantedShares(rollout, canary, others))
	if err != nil || moved {
		return types.NotVerified, p.failed(err)
	}
	return types.Verified, types.RpcError{}
}

func (p *plugin) UpdateHash(*v1alpha1.Rollout, string, string, []v1alpha1.WeightDestination) types.RpcError {
	return types.RpcError{}
}

func (p *plugin) SetHeaderRoute(_ *v1alpha1.Rollout, step *v1alpha1.SetHeaderRoute) types.RpcError {
	if len(step.Match) == 0 {
		return types.RpcError{}
	}
	return p.failed(errors.New("this stand-in has no header routes"))
}

func (p *plugin) SetMirrorRoute(_ *v1alpha1.Rollout, step *v1alpha1.SetMirrorRoute) types.RpcError {
	if len(step.Match) == 0 {
		return types.RpcError{}
	}
	return p.failed(errors.New("this stand-in has no mirror routes"))
}

func (p *plugin) RemoveManagedRoutes(*v1alpha1.Rollout) types.RpcError { return types.RpcError{} }

func (p *plugin) Type() string { return pluginName }

// update lets change edit the route's rules, and writes them back when it moved something; a conflict is tried again.
func (p *plugin) update(rollout *v1alpha1.Rollout, change func(rules []any) (bool, error)) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		route, err := p.route(rollout)
		if err != nil {
			return err
		}
		rules, _, err := unstructured.NestedSlice(route.Object, "spec", "rules")
		if err != nil {
			return err
		}
		moved, err := change(rules)
		if err != nil || !moved {
			return err
		}
		if err := unstructured.SetNestedSlice(route.Object, rules, "spec", "rules"); err != nil {
			return err
		}
		where := p.client.Resource(httpRoutes).Namespace(route.GetNamespace())
		_, err = where.Update(context.Background(), route, metav1.UpdateOptions{FieldManager: manager})
		return err
	})
}

func (p *plugin) route(rollout *v1alpha1.Rollout) (*unstructured.Unstructured, error) {
	var said settings
	if err := json.Unmarshal(rollout.Spec.Strategy.Canary.TrafficRouting.Plugins[pluginName], &said); err != nil {
		return nil, fmt.Errorf("the Rollout's %s settings: %w", pluginName, err)
	}
	if said.HTTPRoute == "" {
		return nil, fmt.Errorf("the Rollout's %s settings name no httpRoute", pluginName)
	}
	if said.Namespace == "" {
		said.Namespace = rollout.Namespace
	}
	return p.client.Resource(httpRoutes).Namespace(said.Namespace).Get(context.Background(), said.HTTPRoute, metav1.GetOptions{})
}

func (p *plugin) failed(err error) types.RpcError {
	if err == nil {
		return types.RpcError{}
	}
	p.log.Print("error: ", err)
	return types.RpcError{ErrorString: err.Error()}
}

// wantedShares is what each Service shall get: the canary its weight, others theirs, and stable the rest of 100.
func wantedShares(rollout *v1alpha1.Rollout, canary int32, others []v1alpha1.WeightDestination) shares {
	strategy := rollout.Spec.Strategy.Canary
	wanted, rest := shares{strategy.CanaryService: int64(canary)}, 100-int64(canary)
	for _, other := range others {
		wanted[other.ServiceName] = int64(other.Weight)
		rest -= int64(other.Weight)
	}
	wanted[strategy.StableService] = rest
	return wanted
}

// setWeights writes the shares into every rule that names all of their Services, and says whether a weight moved.
func setWeights(rules []any, wanted shares) (bool, error) {
	moved, found := false, false
	for _, rule := range rules {
		backends := backendsOf(rule)
		if !namesAll(backends, wanted) {
			continue
		}
		found = true
		for name, backend := range backends {
			if share, ok := wanted[name]; ok && weightOf(backend) != share {
				backend["weight"] = share
				moved = true
			}
		}
	}
	if !found {
		return false, fmt.Errorf("no rule of the HTTPRoute has all of the Services %v", wanted)
	}
	return moved, nil
}

func backendsOf(rule any) map[string]map[string]any {
	fields, _ := rule.(map[string]any)
	listed, _ := fields["backendRefs"].([]any)
	backends := map[string]map[string]any{}
	for _, each := range listed {
		if backend, ok := each.(map[string]any); ok {
			name, _ := backend["name"].(string)
			backends[name] = backend
		}
	}
	return backends
}

func namesAll(backends map[string]map[string]any, wanted shares) bool {
	for name := range wanted {
		if _, ok := backends[name]; !ok {
			return false
		}
	}
	return true
}

// weightOf is a backend's weight; the Gateway API's default is 1.
func weightOf(backend map[string]any) int64 {
	if weight, ok := backend["weight"].(int64); ok {
		return weight
	}
	return 1
}

func main() {
	handshake := goplugin.HandshakeConfig{
		ProtocolVersion:  1,
		MagicCookieKey:   "ARGO_ROLLOUTS_RPC_PLUGIN",
		MagicCookieValue: "trafficrouter",
	}
	router := &plugin{log: log.New(os.Stderr, "", log.LstdFlags)}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: handshake,
		Plugins:         map[string]goplugin.Plugin{"RpcTrafficRouterPlugin": &rpc.RpcTrafficRouterPlugin{Impl: router}},
	})
}
