package main

import (
	"fmt"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	podsecurity "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// No project of ours is scoped to clusters of a project.
func noClusters(string) ([]*v1alpha1.Cluster, error) { return nil, nil }

func cluster(application *v1alpha1.Application) *v1alpha1.Cluster {
	return &v1alpha1.Cluster{Server: application.Spec.Destination.Server, Name: application.Spec.Destination.Name}
}

func refusedApplication(project *v1alpha1.AppProject, application *v1alpha1.Application) (refused []string) {
	if application.Spec.Project != project.Name {
		refused = append(refused, fmt.Sprintf("the project is %s, not %s", application.Spec.Project, project.Name))
	}
	if !project.IsSourcePermitted(*application.Spec.Source) {
		refused = append(refused, "the project does not permit the source "+application.Spec.Source.RepoURL)
	}
	destination := application.Spec.Destination.Namespace
	if permitted, err := project.IsDestinationPermitted(cluster(application), destination, noClusters); err != nil || !permitted {
		refused = append(refused, "the project does not permit the destination "+destination)
	}
	for _, mistake := range validation.ValidateObjectMeta(
		&application.ObjectMeta, true, validation.NameIsDNSSubdomain, field.NewPath("metadata")) {
		refused = append(refused, "the API server refuses the Application: "+mistake.Error())
	}
	return refused
}

func refusedObject(project *v1alpha1.AppProject, application *v1alpha1.Application, object *unstructured.Unstructured) (refused []string) {
	permitted, err := project.IsResourcePermitted(
		object.GroupVersionKind().GroupKind(), object.GetName(), object.GetNamespace(), cluster(application), noClusters)
	if err != nil || !permitted {
		refused = append(refused, fmt.Sprintf("%s %s: the project does not permit it", object.GetKind(), object.GetName()))
	}
	return append(refused, refusedByCluster(object)...)
}

// What the API server's validation and Pod Security would say.
func refusedByCluster(object *unstructured.Unstructured) (refused []string) {
	refuse := func(format string, values ...any) {
		refused = append(refused, fmt.Sprintf(object.GetKind()+" "+object.GetName()+": "+format, values...))
	}
	for _, mistake := range validation.ValidateObjectMetaAccessor(
		object, object.GetNamespace() != "", validation.NameIsDNSSubdomain, field.NewPath("metadata")) {
		refuse("%s", mistake)
	}
	template := podTemplate(object)
	if template == nil {
		return refused
	}
	for _, mistake := range metavalidation.ValidateLabels(template.Labels, field.NewPath("template", "labels")) {
		refuse("%s", mistake)
	}
	for _, result := range restricted.EvaluatePod(restrictedLevel, &template.ObjectMeta, &template.Spec) {
		if !result.Allowed {
			refuse("Pod Security: %s (%s)", result.ForbiddenReason, result.ForbiddenDetail)
		}
	}
	return refused
}

// Pod Security Admission's own checks, of the level that the Namespace asks for.
var (
	restricted      = newEvaluator()
	restrictedLevel = podsecurity.LevelVersion{Level: podsecurity.LevelRestricted, Version: podsecurity.LatestVersion()}
)

func newEvaluator() policy.Evaluator {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		panic(err)
	}
	return evaluator
}

func podTemplate(object *unstructured.Unstructured) *corev1.PodTemplateSpec {
	into := func(typed any) {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, typed); err != nil {
			panic(fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err))
		}
	}
	switch object.GroupVersionKind().GroupKind().String() {
	case "Deployment.apps":
		var deployment appsv1.Deployment
		into(&deployment)
		return &deployment.Spec.Template
	case "Job.batch":
		var job batchv1.Job
		into(&job)
		return &job.Spec.Template
	case "StatefulSet.apps":
		var set appsv1.StatefulSet
		into(&set)
		return &set.Spec.Template
	case "DaemonSet.apps", "CronJob.batch", "ReplicaSet.apps", "Pod":
		panic(object.GetKind() + ": teach podTemplate about it")
	}
	return nil
}
