package main

import (
	"context"
	"errors"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/argoproj/argo-cd/v3/applicationset/controllers"
	"github.com/argoproj/argo-cd/v3/applicationset/generators"
	"github.com/argoproj/argo-cd/v3/applicationset/metrics"
	"github.com/argoproj/argo-cd/v3/applicationset/utils"
	"github.com/argoproj/argo-cd/v3/common"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/db"
	"github.com/argoproj/argo-cd/v3/util/settings"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	kubefake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const namespace = "argocd"

// The real reconciler with the two real generators that the tests compare.
type controller struct {
	server     *apiServer
	reconciler *controllers.ApplicationSetReconciler
	plugin     *timed
	webhook    string // its URL
}

type reconciled struct {
	changes
	Error            string                             `json:"error"` // what the queue would retry for
	RequeueAfter     float64                            `json:"requeue_after"`
	Seconds          float64                            `json:"seconds"`
	GeneratorSeconds float64                            `json:"generator_seconds"`
	Conditions       []v1alpha1.ApplicationSetCondition `json:"conditions"`
}

// A generator that tells how long it took. The webhook's threads may use it too.
type timed struct {
	generators.Generator
	spent atomic.Int64 // nanoseconds
}

func (t *timed) GenerateParams(
	generator *v1alpha1.ApplicationSetGenerator, set *v1alpha1.ApplicationSet, api client.Client,
) ([]map[string]any, error) {
	started := time.Now()
	defer func() { t.spent.Add(int64(time.Since(started))) }()
	return t.Generator.GenerateParams(generator, set, api)
}

// newController starts one whose webhook takes deliveries that are signed with a secret; "" is none.
func newController(ctx context.Context, server *apiServer, webhookSecret string) (*controller, error) {
	labels := map[string]string{"app.kubernetes.io/part-of": "argocd"}
	clientset := kubefake.NewClientset(
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: common.ArgoCDConfigMapName, Namespace: namespace, Labels: labels}},
		&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: common.ArgoCDSecretName, Namespace: namespace, Labels: labels},
			Data: map[string][]byte{
				"admin.password": nil, "server.secretkey": nil, "webhook.github.secret": []byte(webhookSecret),
			},
		},
	)
	clusters, err := settings.NewClusterInformer(clientset, namespace)
	if err != nil {
		return nil, err
	}
	go clusters.Run(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), clusters.HasSynced) {
		return nil, errors.New("the informer of clusters did not start")
	}
	manager := settings.NewSettingsManager(ctx, clientset, namespace)
	plugin := &timed{Generator: generators.NewPluginGenerator(server, namespace)}
	pullRequests := generators.NewPullRequestGenerator(
		server, generators.NewSCMConfig("", nil, true, false, nil, false))
	known := map[string]generators.Generator{"Plugin": plugin, "PullRequest": pullRequests}
	url, err := serveWebhook(ctx, manager, server, known)
	if err != nil {
		return nil, err
	}
	reconciler := &controllers.ApplicationSetReconciler{
		Client:               server,
		Scheme:               server.scheme,
		Recorder:             &record.FakeRecorder{},
		Renderer:             &utils.Render{},
		Generators:           known,
		ArgoDB:               db.NewDB(namespace, manager, clientset),
		ArgoCDNamespace:      namespace,
		KubeClientset:        clientset,
		Policy:               v1alpha1.ApplicationsSyncPolicySync, // the default of the controller's --policy
		EnablePolicyOverride: true,
		Metrics:              metrics.NewFakeAppsetMetrics(),
	}
	if field := reflect.ValueOf(reconciler).Elem().FieldByName("ClusterInformer"); field.IsValid() { // from 3.4
		field.Set(reflect.ValueOf(clusters))
	}
	return &controller{server: server, reconciler: reconciler, plugin: plugin, webhook: url}, nil
}

func (c *controller) reconcile(ctx context.Context, name string) (*reconciled, error) {
	if _, err := c.set(ctx, name); err != nil {
		return nil, err
	}
	started, spent := time.Now(), c.plugin.spent.Load()
	result, err := c.reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}})
	report := &reconciled{
		RequeueAfter:     result.RequeueAfter.Seconds(),
		Seconds:          time.Since(started).Seconds(),
		GeneratorSeconds: time.Duration(c.plugin.spent.Load() - spent).Seconds(),
	}
	if err != nil {
		report.Error = err.Error()
	}
	if report.changes, err = c.server.takeChanges(ctx); err != nil {
		return nil, err
	}
	after, err := c.set(ctx, name)
	if err != nil {
		return nil, err
	}
	report.Conditions = after.Status.Conditions
	return report, nil
}

func (c *controller) parameters(ctx context.Context, name string) ([]map[string]any, error) {
	set, err := c.set(ctx, name)
	if err != nil {
		return nil, err
	}
	found := []map[string]any{}
	for _, generator := range set.Spec.Generators {
		for _, relevant := range generators.GetRelevantGenerators(&generator, c.reconciler.Generators) {
			parameters, err := relevant.GenerateParams(&generator, set, c.server)
			if err != nil {
				return nil, err
			}
			found = append(found, parameters...)
		}
	}
	return found, nil
}

func (c *controller) set(ctx context.Context, name string) (*v1alpha1.ApplicationSet, error) {
	set := &v1alpha1.ApplicationSet{}
	return set, c.server.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, set)
}
