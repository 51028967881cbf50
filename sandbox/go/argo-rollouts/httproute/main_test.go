package main

import (
	"testing"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
)

func rollout() *v1alpha1.Rollout {
	made := &v1alpha1.Rollout{}
	made.Spec.Strategy.Canary = &v1alpha1.CanaryStrategy{StableService: "stable", CanaryService: "canary"}
	return made
}

func rules(names ...string) []any {
	backends := []any{}
	for _, name := range names {
		backends = append(backends, map[string]any{"name": name})
	}
	return []any{map[string]any{"backendRefs": backends}}
}

func TestSharesAlwaysSumToAHundred(t *testing.T) {
	for canary := int32(0); canary <= 90; canary++ {
		total := int64(0)
		for _, share := range wantedShares(rollout(), canary, []v1alpha1.WeightDestination{{ServiceName: "third", Weight: 10}}) {
			total += share
		}
		if total != 100 {
			t.Fatalf("at %d the shares sum to %d", canary, total)
		}
	}
}

func TestASecondMoveToTheSameWeightsMovesNothing(t *testing.T) {
	route, wanted := rules("stable", "canary"), wantedShares(rollout(), 30, nil)
	if moved, err := setWeights(route, wanted); err != nil || !moved {
		t.Fatal("the first move moved nothing", err)
	}
	if moved, err := setWeights(route, wanted); err != nil || moved {
		t.Fatal("the second move moved something", err)
	}
	backends := backendsOf(route[0])
	if weightOf(backends["stable"]) != 70 || weightOf(backends["canary"]) != 30 {
		t.Fatal(backends)
	}
}

func TestARouteWithoutOneOfTheServicesIsAnErrorAndStaysAsItIs(t *testing.T) {
	route := rules("stable", "other")
	if _, err := setWeights(route, wantedShares(rollout(), 30, nil)); err == nil {
		t.Fatal("no error")
	}
	if weightOf(backendsOf(route[0])["stable"]) != 1 {
		t.Fatal("a weight moved")
	}
}
