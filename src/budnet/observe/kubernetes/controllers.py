"""What controllers and clouds add to Kubernetes' own objects: labels of the pods that carry out an Ingress, annotations that make a
load balancer internal. None of it is in an API; each line was looked up in the place beside it, and ages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Labels = tuple[tuple[str, str], ...]
_NAME = "app.kubernetes.io/name"

PODS: Mapping[str, tuple[Labels, ...]] = {
    # deploy/static/provider/cloud/deploy.yaml of kubernetes/ingress-nginx: the jobs beside the controller have the same name
    "k8s.io/ingress-nginx": (((_NAME, "ingress-nginx"), ("app.kubernetes.io/component", "controller")), ((_NAME, "ingress-nginx"),)),
    # deployments/deployment/nginx-ingress.yaml of nginx/kubernetes-ingress; the second label is the older one
    "nginx.org/ingress-controller": (((_NAME, "nginx-ingress"),), (("app", "nginx-ingress"),)),
    # the chart `traefik` of traefik/traefik-helm-chart
    "traefik.io/ingress-controller": (((_NAME, "traefik"),),),
    # the flag --controller-class of jcmoraisjr/haproxy-ingress, which may add `/NAME`; the label is the chart's, from memory
    "haproxy-ingress.github.io/controller": (((_NAME, "haproxy-ingress"),),),
    # deploy/haproxy-ingress.yaml of haproxytech/kubernetes-ingress has the second one; the first is the chart's, from memory
    "haproxy.org/ingress-controller": (((_NAME, "kubernetes-ingress"),), (("run", "haproxy-ingress"),)),
    # examples/contour/03-envoy.yaml of projectcontour/contour has the second one; the first is a chart's, from memory
    "projectcontour.io/ingress-controller": ((("app.kubernetes.io/component", "envoy"),), (("app", "envoy"),)),
    # the controller's name is in Kong's guides; the label is the chart's, from memory
    "ingress-controllers.konghq.com/kong": (((_NAME, "kong"),),),
    # https://istio.io/latest/docs/tasks/traffic-management/ingress/kubernetes-ingress/; the label is the default profile's
    "istio.io/ingress-controller": ((("istio", "ingressgateway"),),),
}
"""By the controller of an IngressClass: the labels of its pods, the most exact first."""

ROUTER = "ingresscontroller.operator.openshift.io/deployment-ingresscontroller"
"""The label that the pods of OpenShift's routers have from their operator, with the name of their IngressController
(openshift/cluster-ingress-operator, pkg/operator/controller/names.go)."""

ALB = "ingress.k8s.aws/alb"
ALB_SCHEME = "alb.ingress.kubernetes.io/scheme"
"""`internal` by default, https://kubernetes-sigs.github.io/aws-load-balancer-controller/v2.10/guide/ingress/annotations."""

INTERNAL_INGRESS = {
    ALB_SCHEME: ("internal",),
    # https://cloud.google.com/kubernetes-engine/docs/concepts/ingress-ilb, from memory
    "kubernetes.io/ingress.class": ("gce-internal",),
    # annotations of Azure's Application Gateway Ingress Controller, from memory
    "appgw.ingress.kubernetes.io/use-private-ip": ("true",),
}

AWS_INTERNAL = "service.beta.kubernetes.io/aws-load-balancer-internal"
AWS_SCHEME, AWS_TYPE = "service.beta.kubernetes.io/aws-load-balancer-scheme", "service.beta.kubernetes.io/aws-load-balancer-type"
"""https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/: `internal` is deprecated in favour of
`scheme`, whose default is internal. The controller in the cloud provider takes any text but `false` in `internal` for yes
(kubernetes/website#15771)."""
INTERNAL_SERVICE = {
    AWS_SCHEME: ("internal",),
    # https://learn.microsoft.com/azure/aks/internal-lb
    "service.beta.kubernetes.io/azure-load-balancer-internal": ("true",),
    # https://cloud.google.com/kubernetes-engine/docs/concepts/service-load-balancer-parameters; the second one is the older name
    "networking.gke.io/load-balancer-type": ("internal",),
    "cloud.google.com/load-balancer-type": ("internal",),
    # https://kubernetes.io/docs/concepts/services-networking/service/#internal-load-balancer has these five
    "service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type": ("private",),
    "service.beta.kubernetes.io/openstack-internal-load-balancer": ("true",),
    "service.beta.kubernetes.io/cce-load-balancer-internal-vpc": ("true",),
    "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type": ("intranet",),
    "service.beta.kubernetes.io/oci-load-balancer-internal": ("true",),
    # https://www.alibabacloud.com/help/en/container-service-for-kubernetes/latest/use-annotations-to-configure-load-balancing-1: the older name
    "service.beta.kubernetes.io/alicloud-loadbalancer-address-type": ("intranet",),
    # https://docs.oracle.com/iaas/Content/ContEng/Tasks/contengconfiguringloadbalancersnetworkloadbalancers-subtopic.htm
    "oci-network-load-balancer.oraclecloud.com/internal": ("true",),
    # annotations of DigitalOcean's, Hetzner's and Scaleway's controllers, from memory
    "service.beta.kubernetes.io/do-loadbalancer-network": ("internal",),
    "load-balancer.hetzner.cloud/disable-public-network": ("true",),
    "service.beta.kubernetes.io/scw-loadbalancer-private": ("true",),
}
INTERNAL_SUBNET = "service.kubernetes.io/qcloud-loadbalancer-internal-subnetid"
"""Tencent's: the id of a subnet, which makes a load balancer internal; in the same list."""
PERHAPS_INTERNAL = re.compile(r"load-?balancer|\bs?c?e?lb\b")
"""Keys of annotations about load balancers: one that is not known, and has a word of `INTERNAL_WORDS` in it, may make it internal."""
INTERNAL_WORDS = re.compile(r"internal|intranet|private|inner", re.IGNORECASE)
INTERNAL_CLASSES = ("networking.gke.io/l4-regional-internal", "networking.gke.io/l4-regional-internal-legacy")
"""`loadBalancerClass` of Services, as kubernetes/ingress-gce has them (pkg/annotations)."""
INTERNAL_GATEWAYS = ("gke-l7-rilb", "gke-l7-rilb-mc", "gke-l7-cross-regional-internal-managed-mc")
"""`gatewayClassName`: https://cloud.google.com/kubernetes-engine/docs/concepts/gateway-api#gatewayclass, from memory."""
