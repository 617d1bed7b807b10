// A stand-in for an ingress controller: TLS with one wildcard certificate, hosts and paths of all Ingresses, and the
// address in their status, which Argo CD waits for.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

type route struct {
	host, path string
	exact      bool
	backend    string // host:port
}

type controller struct {
	client   kubernetes.Interface
	factory  informers.SharedInformerFactory
	address  string
	routes   atomic.Pointer[[]route]
	changed  chan struct{}
	services cache.SharedIndexInformer
}

func main() {
	address := flag.String("address", "", "what the status of an Ingress says")
	certificate := flag.String("certificate", "/tls/tls.crt", "the wildcard certificate")
	key := flag.String("key", "/tls/tls.key", "its key")
	flag.Parse()

	config, err := rest.InClusterConfig()
	if err != nil {
		log.Fatal(err)
	}
	config.QPS = 100
	config.Burst = 200
	client := kubernetes.NewForConfigOrDie(config)
	factory := informers.NewSharedInformerFactory(client, 0)
	c := &controller{client: client, factory: factory, address: *address, changed: make(chan struct{}, 1)}
	c.services = factory.Core().V1().Services().Informer()
	c.routes.Store(&[]route{})
	for _, informer := range []cache.SharedIndexInformer{c.services, factory.Networking().V1().Ingresses().Informer()} {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { c.notify() }, UpdateFunc: func(any, any) { c.notify() }, DeleteFunc: func(any) { c.notify() },
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	factory.Start(context.Background().Done())
	factory.WaitForCacheSync(context.Background().Done())
	go func() {
		for range c.changed {
			c.reconcile()
		}
	}()
	c.notify()

	go func() { log.Fatal(http.ListenAndServe(":10254", http.HandlerFunc(health))) }()
	go func() { log.Fatal(http.ListenAndServe(":80", http.HandlerFunc(redirect))) }()
	log.Fatal(http.ListenAndServeTLS(":443", *certificate, *key, c.proxy()))
}

func health(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

func redirect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "https://"+r.Host+r.URL.RequestURI(), http.StatusPermanentRedirect)
}

func (c *controller) notify() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// reconcile makes the routes again, and writes the address into each Ingress that does not have it.
func (c *controller) reconcile() {
	ingresses, err := c.factory.Networking().V1().Ingresses().Lister().List(labels.Everything())
	if err != nil {
		log.Print(err)
		return
	}
	routes := []route{}
	for _, ingress := range ingresses {
		for _, rule := range ingress.Spec.Rules {
			if rule.HTTP == nil {
				continue
			}
			for _, path := range rule.HTTP.Paths {
				if backend := c.backend(ingress.Namespace, path.Backend.Service); backend != "" {
					exact := path.PathType != nil && *path.PathType == networking.PathTypeExact
					routes = append(routes, route{rule.Host, path.Path, exact, backend})
				}
			}
		}
		c.publish(ingress)
	}
	c.routes.Store(&routes)
}

func (c *controller) backend(namespace string, backend *networking.IngressServiceBackend) string {
	if backend == nil {
		return ""
	}
	object, found, _ := c.services.GetStore().GetByKey(namespace + "/" + backend.Name)
	if !found {
		return ""
	}
	service := object.(*core.Service)
	for _, port := range service.Spec.Ports {
		if port.Name == backend.Port.Name && port.Name != "" || port.Port == backend.Port.Number {
			return net.JoinHostPort(service.Spec.ClusterIP, fmt.Sprint(port.Port))
		}
	}
	return ""
}

func (c *controller) publish(ingress *networking.Ingress) {
	current := ingress.Status.LoadBalancer.Ingress
	if len(current) == 1 && current[0].IP == c.address || ingress.DeletionTimestamp != nil {
		return
	}
	changed := ingress.DeepCopy()
	changed.Status.LoadBalancer.Ingress = []networking.IngressLoadBalancerIngress{{IP: c.address}}
	_, err := c.client.NetworkingV1().Ingresses(ingress.Namespace).UpdateStatus(context.Background(), changed, meta.UpdateOptions{})
	if err != nil {
		log.Print(err) // a conflict comes with an event, which brings us here again
	}
}

func (c *controller) find(host, path string) string {
	found := route{}
	routes := *c.routes.Load()
	// As with ingress-nginx, rules without a host are for the hosts that have no rule of their own.
	if !slices.ContainsFunc(routes, func(one route) bool { return one.host == host }) {
		host = ""
	}
	for _, one := range routes {
		if one.host != host || len(one.path) < len(found.path) {
			continue
		}
		prefix := strings.TrimSuffix(one.path, "/")
		if path == one.path || !one.exact && (path == prefix || strings.HasPrefix(path, prefix+"/")) {
			found = one
		}
	}
	return found.backend
}

func (c *controller) proxy() http.Handler {
	transport := &http.Transport{DialContext: (&net.Dialer{Timeout: 3 * time.Second}).DialContext, MaxIdleConnsPerHost: -1}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		backend := c.find(host, r.URL.Path)
		if backend == "" {
			http.Error(w, "no Ingress has this host and path", http.StatusNotFound)
			return
		}
		proxy := httputil.ReverseProxy{
			Transport: transport,
			Rewrite: func(request *httputil.ProxyRequest) {
				request.SetURL(&url.URL{Scheme: "http", Host: backend})
				request.Out.Host = r.Host
				request.SetXForwarded()
			},
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
			},
		}
		proxy.ServeHTTP(w, r)
	})
}
