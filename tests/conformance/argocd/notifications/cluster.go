package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/argoproj/argo-cd/v3/common"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/server/deeplinks"
	"github.com/argoproj/argo-cd/v3/util/settings"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	kubefake "k8s.io/client-go/kubernetes/fake"
)

const namespace = "argocd"

// What stands for the API server. It patches by the library that Kubernetes has for that.
type cluster struct {
	objects      kubernetes.Interface
	applications *applicationStore
}

func newCluster() *cluster {
	labels := map[string]string{"app.kubernetes.io/part-of": "argocd"}
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: labels}
	}
	objects := kubefake.NewClientset(
		// As Argo CD installs them: without any data.
		&corev1.ConfigMap{ObjectMeta: meta(common.ArgoCDConfigMapName)},
		&corev1.ConfigMap{ObjectMeta: meta("argocd-notifications-cm")},
		&corev1.Secret{ObjectMeta: meta("argocd-notifications-secret")},
		&corev1.Secret{
			ObjectMeta: meta(common.ArgoCDSecretName),
			Data:       map[string][]byte{"admin.password": nil, "server.secretkey": nil},
		},
	)
	return &cluster{objects, newApplicationStore()}
}

func (c *cluster) patch(ctx context.Context, asked request) (any, error) {
	kinds := map[string]types.PatchType{"merge": types.MergePatchType, "json": types.JSONPatchType}
	kind, ok := kinds[asked.Type]
	if !ok {
		return nil, fmt.Errorf("there is no patch of type %q", asked.Type)
	}
	switch asked.Kind {
	case "ConfigMap":
		return c.objects.CoreV1().ConfigMaps(namespace).Patch(ctx, asked.Name, kind, asked.Patch, metav1.PatchOptions{})
	case "Secret":
		return c.objects.CoreV1().Secrets(namespace).Patch(ctx, asked.Name, kind, asked.Patch, metav1.PatchOptions{})
	}
	return nil, fmt.Errorf("%q is not for this cluster", asked.Kind)
}

func (c *cluster) links(ctx context.Context, object []byte) (any, error) {
	application, err := asArgoCDWritesIt(object)
	if err != nil {
		return nil, err
	}
	links, err := settings.NewSettingsManager(ctx, c.objects, namespace).GetDeepLinks(settings.ApplicationDeepLinks)
	if err != nil {
		return nil, err
	}
	found, problems := deeplinks.EvaluateDeepLinksResponse(
		deeplinks.CreateDeepLinksObject(nil, application, nil, nil), application.GetName(), links)
	return map[string]any{"links": found.Items, "problems": problems}, nil
}

// asArgoCDWritesIt refuses fields that an Application does not have, and adds those that Argo CD always writes.
func asArgoCDWritesIt(object []byte) (*unstructured.Unstructured, error) {
	var application v1alpha1.Application
	decoder := json.NewDecoder(bytes.NewReader(object))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&application); err != nil {
		return nil, err
	}
	application.SetGroupVersionKind(v1alpha1.ApplicationSchemaGroupVersionKind)
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&application)
	return &unstructured.Unstructured{Object: content}, err
}
