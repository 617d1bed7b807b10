package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"text/template"

	"sigs.k8s.io/yaml"
)

// The part of an ApplicationSet that makes an Application out of parameters.
type applicationSet struct {
	Metadata struct {
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	Spec struct {
		GoTemplate        bool     `json:"goTemplate"`
		GoTemplateOptions []string `json:"goTemplateOptions"`
		SyncPolicy        struct {
			PreserveResourcesOnDeletion bool `json:"preserveResourcesOnDeletion"`
		} `json:"syncPolicy"`
		Template struct {
			Metadata map[string]any `json:"metadata"`
			Spec     map[string]any `json:"spec"`
		} `json:"template"`
		TemplatePatch string `json:"templatePatch"`
	} `json:"spec"`
}

type application struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       map[string]any `json:"spec"`
}

func readApplicationSet(file string) (*applicationSet, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var set applicationSet
	if err := yaml.Unmarshal(content, &set); err != nil {
		return nil, err
	}
	if !set.Spec.GoTemplate || set.Spec.TemplatePatch != "" {
		return nil, errors.New("only sets with goTemplate: true and without templatePatch can be rendered")
	}
	return &set, nil
}

// The controller adds namespace and, unless the set says otherwise, the finalizer that deletes what was deployed:
// https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Application-Deletion/
func (set *applicationSet) application(parameters map[string]any) (*application, error) {
	filler := filler{parameters, template.New("").Funcs(functions()).Option(set.Spec.GoTemplateOptions...)}
	metadata, err := filler.fill(set.Spec.Template.Metadata)
	if err != nil {
		return nil, err
	}
	spec, err := filler.fill(set.Spec.Template.Spec)
	if err != nil {
		return nil, err
	}
	made := &application{"argoproj.io/v1alpha1", "Application", metadata.(map[string]any), spec.(map[string]any)}
	made.Metadata["namespace"] = set.Metadata.Namespace
	if made.Metadata["finalizers"] == nil && !set.Spec.SyncPolicy.PreserveResourcesOnDeletion {
		made.Metadata["finalizers"] = []any{"resources-finalizer.argocd.argoproj.io"}
	}
	return made, nil
}

type filler struct {
	parameters map[string]any
	base       *template.Template
}

// Each text is a template of its own, keys of maps too.
func (f filler) fill(value any) (any, error) {
	switch value := value.(type) {
	case string:
		return f.text(value)
	case []any:
		filled := make([]any, len(value))
		for i, one := range value {
			var err error
			if filled[i], err = f.fill(one); err != nil {
				return nil, err
			}
		}
		return filled, nil
	case map[string]any:
		filled := make(map[string]any, len(value))
		for key, one := range value {
			name, err := f.text(key)
			if err != nil {
				return nil, err
			}
			if filled[name], err = f.fill(one); err != nil {
				return nil, err
			}
		}
		return filled, nil
	default:
		return value, nil
	}
}

func (f filler) text(source string) (string, error) {
	parsed, err := template.Must(f.base.Clone()).Parse(source)
	if err != nil {
		return "", fmt.Errorf("the template %s: %w", source, err)
	}
	var filled strings.Builder
	if err := parsed.Execute(&filled, f.parameters); err != nil {
		return "", fmt.Errorf("the template %s: %w", source, err)
	}
	return filled.String(), nil
}
