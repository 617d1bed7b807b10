package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	notifications_controller "github.com/argoproj/argo-cd/v3/notification_controller/controller"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	service "github.com/argoproj/argo-cd/v3/util/notification/argocd"
	engine "github.com/argoproj/notifications-engine/pkg/controller"
	"github.com/sirupsen/logrus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	kubetesting "k8s.io/client-go/testing"
)

const (
	notified = "notified.notifications.argoproj.io" // where the controller remembers what it has sent
	patience = time.Minute
)

var (
	applications = v1alpha1.SchemeGroupVersion.WithResource("applications")
	projects     = v1alpha1.SchemeGroupVersion.WithResource("appprojects")
)

// The Applications that the controller has seen, with what it wrote to them.
type applicationStore struct {
	*dynamicfake.FakeDynamicClient
	events *watch.FakeWatcher // what the controller that runs now is told
}

type outcome struct {
	Annotations map[string]string `json:"annotations"`
	Skipped     string            `json:"skipped"` // why the controller did not look at it
	Errors      []string          `json:"errors"`  // what it logged
}

func newApplicationStore() *applicationStore {
	kinds := map[schema.GroupVersionResource]string{applications: "ApplicationList", projects: "AppProjectList"}
	store := &applicationStore{
		FakeDynamicClient: dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds),
	}
	store.PrependWatchReactor("applications", func(kubetesting.Action) (bool, watch.Interface, error) {
		return true, store.events, nil
	})
	store.PrependReactor("list", "applications", func(kubetesting.Action) (bool, runtime.Object, error) {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(v1alpha1.SchemeGroupVersion.WithKind(kinds[applications]))
		return true, list, nil
	})
	return store
}

// notify starts the controller, tells it of one Application, and stops it once it has dealt with that: so it looks at nothing
// again, as it does every minute, while somebody waits for something else.
func (c *cluster) notify(ctx context.Context, object []byte) (*outcome, error) {
	application, err := asArgoCDWritesIt(object)
	if err != nil {
		return nil, err
	}
	if application, err = c.applications.put(ctx, application); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	c.applications.events = watch.NewFake()
	log := &log{processed: make(chan string, 1)}
	logrus.StandardLogger().ReplaceHooks(logrus.LevelHooks{})
	logrus.AddHook(log)
	controller := notifications_controller.NewController(c.objects, c.applications, argocd{}, namespace, nil, "",
		engine.NewMetricsRegistry("argocd"), "argocd-notifications-secret", "argocd-notifications-cm", false)
	if err := controller.Init(ctx); err != nil {
		return nil, err
	}
	go controller.Run(ctx, 1) // as many processors as by default
	c.applications.events.Add(application)
	select {
	case skipped := <-log.processed:
		stored, err := c.applications.get(ctx, application.GetName())
		if err != nil {
			return nil, err
		}
		return &outcome{Annotations: stored.GetAnnotations(), Skipped: skipped, Errors: log.errors}, nil
	case <-time.After(patience):
		return nil, fmt.Errorf("the controller did not look at %s", application.GetName())
	}
}

func (s *applicationStore) get(ctx context.Context, name string) (*unstructured.Unstructured, error) {
	return s.Resource(applications).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
}

// put stores an Application, and keeps what the controller wrote to it, as the ApplicationSet controller does.
func (s *applicationStore) put(
	ctx context.Context, application *unstructured.Unstructured,
) (*unstructured.Unstructured, error) {
	client := s.Resource(applications).Namespace(namespace)
	stored, err := s.get(ctx, application.GetName())
	if apierrors.IsNotFound(err) {
		return client.Create(ctx, application, metav1.CreateOptions{})
	}
	if err != nil {
		return nil, err
	}
	if remembered, ok := stored.GetAnnotations()[notified]; ok {
		annotations := application.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[notified] = remembered
		application.SetAnnotations(annotations)
	}
	return client.Update(ctx, application, metav1.UpdateOptions{})
}

// The log says when an Application was dealt with, and what went wrong.
type log struct {
	processed chan string
	errors    []string
}

func (l *log) Levels() []logrus.Level { return logrus.AllLevels }

func (l *log) Fire(entry *logrus.Entry) error {
	switch skipped, isSkipped := strings.CutPrefix(entry.Message, "Processing skipped: "); {
	case isSkipped:
		l.processed <- skipped
	case entry.Message == "Processing completed":
		l.processed <- ""
	case entry.Level <= logrus.WarnLevel && !strings.HasPrefix(entry.Message, "Controller "):
		l.errors = append(l.errors, entry.Message)
	}
	return nil
}

// What templates could ask Argo CD for. There is no repository and no project to look at.
type argocd struct{ service.Service }

func (argocd) GetAppProject(context.Context, string, string) (*unstructured.Unstructured, error) {
	return &unstructured.Unstructured{Object: map[string]any{}}, nil
}
