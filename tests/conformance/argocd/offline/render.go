package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/argoproj/argo-cd/v3/applicationset/utils"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/git"
	"github.com/argoproj/argo-cd/v3/util/helm"
	"github.com/argoproj/argo-cd/v3/util/io/path"
	"github.com/argoproj/argo-cd/v3/util/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	yamlutil "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// How many kustomize builds run at once.
const workers = 2

type answer struct {
	Output struct {
		Parameters []map[string]any `json:"parameters"`
	} `json:"output"`
}

// One preview. Error is what would stop the whole set (template) or this Application (build); Refused is what the
// project, the API server or Pod Security would not let in.
type rendered struct {
	Application *v1alpha1.Application        `json:"application,omitempty"`
	Objects     []*unstructured.Unstructured `json:"objects"`
	Error       string                       `json:"error"`
	Refused     []string                     `json:"refused"`
}

func render(repository, projectFile, setFile string, in io.Reader, out io.Writer) error {
	var received answer
	if err := json.NewDecoder(in).Decode(&received); err != nil {
		return fmt.Errorf("the plugin's answer: %w", err)
	}
	var set v1alpha1.ApplicationSet
	if err := readStrictly(setFile, &set); err != nil {
		return err
	}
	var project v1alpha1.AppProject
	if err := readStrictly(projectFile, &project); err != nil {
		return err
	}

	return renderEach(received.Output.Parameters, out, func(parameters map[string]any) rendered {
		return renderOne(repository, &set, &project, parameters)
	})
}

// The Applications come from the controller.
func renderApplications(repository, projectFile string, in io.Reader, out io.Writer) error {
	var applications []*v1alpha1.Application
	if err := json.NewDecoder(in).Decode(&applications); err != nil {
		return fmt.Errorf("the Applications: %w", err)
	}
	var project v1alpha1.AppProject
	if err := readStrictly(projectFile, &project); err != nil {
		return err
	}
	return renderEach(applications, out, func(application *v1alpha1.Application) rendered {
		return renderApplication(repository, &project, application)
	})
}

func renderEach[T any](given []T, out io.Writer, render func(T) rendered) error {
	results := make([]rendered, len(given))
	tickets := make(chan struct{}, workers)
	var group sync.WaitGroup
	for i, one := range given {
		group.Go(func() {
			tickets <- struct{}{}
			defer func() { <-tickets }()
			results[i] = render(one)
		})
	}
	group.Wait()
	return json.NewEncoder(out).Encode(results)
}

func admit(in io.Reader, out io.Writer) error {
	var objects []*unstructured.Unstructured
	if err := json.NewDecoder(in).Decode(&objects); err != nil {
		return err
	}
	refused := []string{}
	for _, object := range objects {
		refused = append(refused, refusedByCluster(object)...)
	}
	return json.NewEncoder(out).Encode(refused)
}

func renderOne(repository string, set *v1alpha1.ApplicationSet, project *v1alpha1.AppProject, parameters map[string]any) rendered {
	application, err := applicationOf(set, parameters)
	if err != nil {
		return rendered{Error: err.Error()}
	}
	return renderApplication(repository, project, application)
}

func renderApplication(repository string, project *v1alpha1.AppProject, application *v1alpha1.Application) rendered {
	var err error
	result := rendered{Application: application, Refused: refusedApplication(project, application)}
	if application.Spec.Source.Helm == nil {
		result.Objects, err = build(repository, application.Spec.Source)
	} else {
		result.Objects, err = template(repository, application)
	}
	if err != nil {
		result.Error = err.Error()
	}
	for _, object := range result.Objects {
		result.Refused = append(result.Refused, refusedObject(project, application, object)...)
	}
	return result
}

// As applicationset/controllers/template of Argo CD does it; that package would pull in every Git host's client.
func applicationOf(set *v1alpha1.ApplicationSet, parameters map[string]any) (*v1alpha1.Application, error) {
	template := &v1alpha1.Application{Spec: set.Spec.Template.Spec}
	template.Name = set.Spec.Template.Name
	template.Labels = set.Spec.Template.Labels
	template.Annotations = set.Spec.Template.Annotations
	template.Finalizers = set.Spec.Template.Finalizers
	renderer := &utils.Render{}
	application, err := renderer.RenderTemplateParams(
		template, set.Spec.SyncPolicy, parameters, set.Spec.GoTemplate, set.Spec.GoTemplateOptions)
	if err != nil {
		return nil, err
	}
	application.Kind, application.APIVersion = "Application", "argoproj.io/v1alpha1"
	application.Namespace = set.Namespace
	return application, nil
}

// A copy of the tree for each Application, because Argo CD edits kustomization.yaml in place.
func build(repository string, source *v1alpha1.ApplicationSource) ([]*unstructured.Unstructured, error) {
	root, err := os.MkdirTemp("", "offline-argocd-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(root)
	if err := os.CopyFS(filepath.Join(root, "manifests"), os.DirFS(filepath.Join(repository, "manifests"))); err != nil {
		return nil, err
	}
	app := kustomize.NewKustomizeApp(root, filepath.Join(root, source.Path), git.NopCreds{}, "", "", "", "")
	objects, _, _, err := app.Build(source.Kustomize, nil, &v1alpha1.Env{}, nil)
	return objects, err
}

// As helmTemplate of reposerver/repository does it; that package would pull in the whole repository server.
func template(repository string, application *v1alpha1.Application) ([]*unstructured.Unstructured, error) {
	source := application.Spec.Source
	values, err := os.CreateTemp("", "offline-argocd-values-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(values.Name())
	if _, err := values.Write(source.Helm.ValuesYAML()); err != nil {
		return nil, err
	}
	if err := values.Close(); err != nil {
		return nil, err
	}
	app, err := helm.NewHelmApp(filepath.Join(repository, source.Path), nil, true, "", "", "", false, false)
	if err != nil {
		return nil, err
	}
	defer app.Dispose()
	text, _, err := app.Template(&helm.TemplateOpts{
		Name:        source.Helm.ReleaseName,
		Namespace:   application.Spec.Destination.Namespace,
		ExtraValues: path.ResolvedFilePath(values.Name()),
	})
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for decoder := yamlutil.NewYAMLToJSONDecoder(strings.NewReader(text)); ; {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(&object.Object); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, err
		}
		if len(object.Object) == 0 { // a document with nothing but comments
			continue
		}
		if object.GetNamespace() == "" && object.GetKind() != "Namespace" {
			object.SetNamespace(application.Spec.Destination.Namespace)
		}
		objects = append(objects, object)
	}
}

func readStrictly(file string, into any) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(content, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
