package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crd "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/yaml"
)

const argocdModule = "github.com/argoproj/argo-cd/v3"

// A fake client that also refuses what an API server refuses, because controller-runtime's accepts anything: names,
// labels, annotations, and the schemas of Argo CD's own CRDs. It remembers what was done to Applications.
type apiServer struct {
	client.WithWatch
	scheme  *runtime.Scheme
	schemas map[string]crd.SchemaValidator // by kind

	mutex   sync.Mutex
	changes changes
}

type update struct {
	Before *v1alpha1.Application `json:"before"`
	After  *v1alpha1.Application `json:"after"`
}

type changes struct {
	Created []*v1alpha1.Application `json:"created"`
	Updated []update                `json:"updated"`
	Deleted []*v1alpha1.Application `json:"deleted"`
	Refused []string                `json:"refused"`
}

func noChanges() changes {
	return changes{
		Created: []*v1alpha1.Application{}, Updated: []update{}, Deleted: []*v1alpha1.Application{}, Refused: []string{},
	}
}

func newAPIServer(modules string) (*apiServer, error) {
	server := &apiServer{scheme: runtime.NewScheme(), schemas: map[string]crd.SchemaValidator{}, changes: noChanges()}
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, corev1.AddToScheme} {
		if err := add(server.scheme); err != nil {
			return nil, err
		}
	}
	version, err := argocdVersion()
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(modules, argocdModule+"@"+version, "manifests", "crds")
	for _, name := range []string{"application", "applicationset", "appproject"} {
		if err := server.addSchema(filepath.Join(folder, name+"-crd.yaml")); err != nil {
			return nil, err
		}
	}
	server.WithWatch = fake.NewClientBuilder().
		WithScheme(server.scheme).
		WithStatusSubresource(&v1alpha1.ApplicationSet{}).
		WithIndex(&v1alpha1.Application{}, ".metadata.controller", owner).
		WithInterceptorFuncs(interceptor.Funcs{
			Create: server.create, Update: server.update, Patch: server.patch, Delete: server.delete,
		}).
		Build()
	return server, nil
}

func argocdVersion() (string, error) {
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, module := range build.Deps {
			if module.Path == argocdModule {
				return module.Version, nil
			}
		}
	}
	return "", fmt.Errorf("this program was built without %s", argocdModule)
}

// As the controller's own indexer, which is not exported.
func owner(object client.Object) []string {
	found := metav1.GetControllerOf(object)
	if found == nil || found.APIVersion != v1alpha1.SchemeGroupVersion.String() || found.Kind != "ApplicationSet" {
		return nil
	}
	return []string{found.Name}
}

func (s *apiServer) addSchema(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(content, &definition); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, version := range definition.Spec.Versions {
		if version.Name != v1alpha1.SchemeGroupVersion.Version {
			continue
		}
		var schema apiextensions.CustomResourceValidation
		if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(
			version.Schema, &schema, nil); err != nil {
			return err
		}
		validator, _, err := crd.NewSchemaValidator(schema.OpenAPIV3Schema)
		if err != nil {
			return err
		}
		s.schemas[definition.Spec.Names.Kind] = validator
		return nil
	}
	return fmt.Errorf("%s has no version %s", file, v1alpha1.SchemeGroupVersion.Version)
}

// What `kubectl apply` does; unknown fields are refused.
func (s *apiServer) apply(ctx context.Context, objects []json.RawMessage) error {
	defer s.remember(func() { s.changes = noChanges() }) // changes by the tests do not count
	for _, content := range objects {
		var kind metav1.TypeMeta
		if err := json.Unmarshal(content, &kind); err != nil {
			return err
		}
		made, err := s.scheme.New(kind.GroupVersionKind())
		if err != nil {
			return err
		}
		object := made.(client.Object)
		if err := yaml.UnmarshalStrict(content, object); err != nil {
			return fmt.Errorf("%s: %w", kind.Kind, err)
		}
		if object.GetNamespace() == "" {
			object.SetNamespace(namespace)
		}
		before := made.DeepCopyObject().(client.Object)
		if err := s.Get(ctx, client.ObjectKeyFromObject(object), before); apierrors.IsNotFound(err) {
			object.SetUID(types.UID(kind.Kind + "/" + object.GetName()))
			err = s.Create(ctx, object)
			if err != nil {
				return err
			}
			continue
		} else if err != nil {
			return err
		}
		object.SetUID(before.GetUID())
		object.SetResourceVersion(before.GetResourceVersion())
		if err := s.Update(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

func (s *apiServer) applications(ctx context.Context) ([]v1alpha1.Application, error) {
	var list v1alpha1.ApplicationList
	if err := s.List(ctx, &list); err != nil {
		return nil, err
	}
	return append([]v1alpha1.Application{}, list.Items...), nil
}

func (s *apiServer) sets(ctx context.Context) ([]v1alpha1.ApplicationSet, error) {
	var list v1alpha1.ApplicationSetList
	if err := s.List(ctx, &list); err != nil {
		return nil, err
	}
	return append([]v1alpha1.ApplicationSet{}, list.Items...), nil
}

// takeChanges returns what was done since the last call, and removes the finalizers of deleted Applications, as the
// application controller does once it has deleted their resources.
func (s *apiServer) takeChanges(ctx context.Context) (changes, error) {
	var done changes
	s.remember(func() { done = s.changes })
	list, err := s.applications(ctx)
	for _, application := range list {
		if application.DeletionTimestamp != nil {
			application.Finalizers = nil
			err = s.Update(ctx, &application)
		}
		if err != nil {
			return done, err
		}
	}
	s.remember(func() { s.changes = noChanges() }) // the removal of finalizers does not count
	return done, nil
}

func (s *apiServer) create(ctx context.Context, to client.WithWatch, object client.Object, options ...client.CreateOption) error {
	if err := s.check(object); err != nil {
		return err
	}
	if err := to.Create(ctx, object, options...); err != nil {
		return err
	}
	if application, ok := object.(*v1alpha1.Application); ok {
		s.remember(func() { s.changes.Created = append(s.changes.Created, application.DeepCopy()) })
	}
	return nil
}

func (s *apiServer) update(ctx context.Context, to client.WithWatch, object client.Object, options ...client.UpdateOption) error {
	return s.write(ctx, to, object, func() error { return to.Update(ctx, object, options...) })
}

func (s *apiServer) patch(ctx context.Context, to client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
	return s.write(ctx, to, object, func() error { return to.Patch(ctx, object, patch, options...) })
}

// The controller patches with the whole object at hand, so it can be checked before it is written.
func (s *apiServer) write(ctx context.Context, to client.WithWatch, object client.Object, write func() error) error {
	if err := s.check(object); err != nil {
		return err
	}
	application, ok := object.(*v1alpha1.Application)
	if !ok {
		return write()
	}
	before := &v1alpha1.Application{}
	if err := to.Get(ctx, client.ObjectKeyFromObject(object), before); err != nil {
		return err
	}
	if err := write(); err != nil {
		return err
	}
	s.remember(func() {
		s.changes.Updated = append(s.changes.Updated, update{Before: before, After: application.DeepCopy()})
	})
	return nil
}

func (s *apiServer) delete(ctx context.Context, to client.WithWatch, object client.Object, options ...client.DeleteOption) error {
	if err := to.Delete(ctx, object, options...); err != nil {
		return err
	}
	if application, ok := object.(*v1alpha1.Application); ok {
		s.remember(func() { s.changes.Deleted = append(s.changes.Deleted, application.DeepCopy()) })
	}
	return nil
}

func (s *apiServer) remember(change func()) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	change()
}

func (s *apiServer) check(object client.Object) error {
	kinds, _, err := s.scheme.ObjectKinds(object)
	if err != nil {
		return err
	}
	kind := kinds[0]
	mistakes := validation.ValidateObjectMetaAccessor(
		object, true, validation.NameIsDNSSubdomain, field.NewPath("metadata"))
	if schema, ok := s.schemas[kind.Kind]; ok {
		written, err := json.Marshal(object)
		if err != nil {
			return err
		}
		var content map[string]any
		if err := json.Unmarshal(written, &content); err != nil {
			return err
		}
		content["kind"], content["apiVersion"] = kind.Kind, kind.GroupVersion().String()
		mistakes = append(mistakes, crd.ValidateCustomResource(nil, content, schema)...)
	}
	if len(mistakes) == 0 {
		return nil
	}
	refusal := apierrors.NewInvalid(kind.GroupKind(), object.GetName(), mistakes)
	s.remember(func() { s.changes.Refused = append(s.changes.Refused, refusal.Error()) })
	return refusal
}
