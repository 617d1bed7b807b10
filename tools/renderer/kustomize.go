package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/pkg/util"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

type source struct {
	Path      string           `json:"path"`
	Helm      any              `json:"helm"`
	Kustomize *json.RawMessage `json:"kustomize"`
}

// spec.source.kustomize of an Application, as far as it can be rendered:
// https://argo-cd.readthedocs.io/en/stable/user-guide/kustomize/
type changes struct {
	Namespace               string            `json:"namespace"`
	Images                  []string          `json:"images"`
	CommonLabels            map[string]string `json:"commonLabels"`
	LabelWithoutSelector    bool              `json:"labelWithoutSelector"`
	LabelIncludeTemplates   bool              `json:"labelIncludeTemplates"`
	Patches                 []types.Patch     `json:"patches"`
	Components              []string          `json:"components"`
	IgnoreMissingComponents bool              `json:"ignoreMissingComponents"`
}

func (a *application) source() (*source, error) {
	content, err := json.Marshal(a.Spec["source"])
	if err != nil {
		return nil, err
	}
	var found source
	return &found, json.Unmarshal(content, &found)
}

// Argo CD changes the kustomization of a checkout with `kustomize edit` and then builds it. Here the file in the
// repository stays as it is: the changed text replaces it while kustomize reads.
func build(repository string, source *source) ([]json.RawMessage, error) {
	disk := filesys.MakeFsOnDisk()
	folder, _, err := disk.CleanedAbs(filepath.Join(repository, source.Path))
	if err != nil {
		return nil, err
	}
	changed := changedFile{FileSystem: disk}
	var kustomization types.Kustomization
	if changed.path, err = readKustomization(disk, folder.String(), &kustomization); err != nil {
		return nil, err
	}
	if source.Kustomize != nil {
		decoder := json.NewDecoder(bytes.NewReader(*source.Kustomize))
		decoder.DisallowUnknownFields()
		var asked changes
		if err := decoder.Decode(&asked); err != nil {
			return nil, fmt.Errorf("spec.source.kustomize: %w", err)
		}
		if err := asked.apply(&kustomization, disk, folder.String()); err != nil {
			return nil, fmt.Errorf("spec.source.kustomize: %w", err)
		}
	}
	if changed.content, err = yaml.Marshal(kustomization); err != nil {
		return nil, err
	}
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified // as the command `kustomize build`
	built, err := krusty.MakeKustomizer(options).Run(changed, folder.String())
	if err != nil {
		return nil, err
	}
	objects := make([]json.RawMessage, 0, built.Size())
	for _, resource := range built.Resources() {
		content, err := resource.AsYAML()
		if err != nil {
			return nil, err
		}
		object, err := yaml.YAMLToJSON(content)
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// A file system in which one file has another content.
type changedFile struct {
	filesys.FileSystem
	path    string
	content []byte
}

func (f changedFile) ReadFile(path string) ([]byte, error) {
	if path == f.path {
		return f.content, nil
	}
	return f.FileSystem.ReadFile(path)
}

func readKustomization(disk filesys.FileSystem, folder string, into *types.Kustomization) (string, error) {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		path := filepath.Join(folder, name)
		if !disk.Exists(path) {
			continue
		}
		content, err := disk.ReadFile(path)
		if err != nil {
			return "", err
		}
		if err := into.Unmarshal(content); err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		into.FixKustomization()
		return path, nil
	}
	return "", fmt.Errorf("%s has no kustomization.yaml", folder)
}

func (asked *changes) apply(to *types.Kustomization, disk filesys.FileSystem, folder string) error {
	if asked.Namespace != "" {
		to.Namespace = asked.Namespace
	}
	if err := asked.setImages(to); err != nil {
		return err
	}
	if err := asked.addLabels(to); err != nil {
		return err
	}
	to.Patches = append(to.Patches, asked.Patches...)
	for _, component := range asked.Components {
		missing := !disk.Exists(filepath.Join(folder, component))
		if !(missing && asked.IgnoreMissingComponents) && !slices.Contains(to.Components, component) {
			to.Components = append(to.Components, component)
		}
	}
	return nil
}

// NAME=IMAGE[:TAG][@DIGEST], as `kustomize edit set image` reads it.
func (asked *changes) setImages(to *types.Kustomization) error {
	for _, given := range asked.Images {
		name, image, renamed := strings.Cut(given, "=")
		if !renamed || strings.ContainsAny(given, "$*") {
			return fmt.Errorf("images: %q cannot be rendered: write NAME=IMAGE without variables and asterisks", given)
		}
		newName, tag, digest := util.SplitImageName(image)
		to.Images = slices.DeleteFunc(to.Images, func(one types.Image) bool { return one.Name == name })
		to.Images = append(to.Images, types.Image{Name: name, NewName: newName, NewTag: tag, Digest: digest})
	}
	slices.SortFunc(to.Images, func(a, b types.Image) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// They join the first entry of the kustomization's `labels` with the same settings. A label that it sets is not overwritten.
func (asked *changes) addLabels(to *types.Kustomization) error {
	if len(asked.CommonLabels) == 0 {
		return nil
	}
	if !asked.LabelWithoutSelector {
		return errors.New("commonLabels can be rendered only with labelWithoutSelector: true")
	}
	same := func(one types.Label) bool {
		return one.Pairs != nil && !one.IncludeSelectors && one.IncludeTemplates == asked.LabelIncludeTemplates
	}
	index := slices.IndexFunc(to.Labels, same)
	if index < 0 {
		index = len(to.Labels)
		to.Labels = append(to.Labels, types.Label{Pairs: map[string]string{}, IncludeTemplates: asked.LabelIncludeTemplates})
	}
	for name, value := range asked.CommonLabels {
		if _, taken := to.Labels[index].Pairs[name]; taken {
			return fmt.Errorf("commonLabels: the kustomization sets %s already", name)
		}
		if strings.Contains(value, "$") {
			return fmt.Errorf("commonLabels: %s: %q cannot be rendered: write it without variables", name, value)
		}
	}
	maps.Copy(to.Labels[index].Pairs, asked.CommonLabels)
	return nil
}
