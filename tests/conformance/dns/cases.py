"""Questions and what the specifications want for an answer, by section. Written from their text, not from our code.

K: Kubernetes DNS-Based Service Discovery 1.1.0 (kubernetes/dns, docs/specification.md), by its section numbers.
M: Multi-Cluster Services DNS 1.0.0 (KEP-1645, specification.md), by the names of its sections.
Z: how private zones work (Route 53, "Considerations when working with a private hosted zone"), and RFCs by number.

Data may hold `{object}`: the address of a Service (`web@east`) or pod (`log-0@east`), `/6` behind it for IPv6; `{reverse:object}` is the
name that PTR records of it have, and `{label:object}` what a pod without hostname is called.
"""

from __future__ import annotations

from typing import NamedTuple

EAST, WEST, SOUTH, PUBLIC = "east", "west", "south", "public"
NXDOMAIN, REFUSED = "NXDOMAIN", "REFUSED"
NODATA: tuple[str, ...] = ()


class Case(NamedTuple):
    """`wanted`: data of the records at the end of the chain with their kinds in front of them, or the code of a refusal."""

    source: str
    view: str
    name: str
    kind: str
    wanted: tuple[str, ...] | str


WEB, LOG, MODEL, STORE = (
    "web.shop.svc.cluster.local",
    "log.data.svc.cluster.local",
    "model.ml.svc.cluster.local",
    "store.ml.svc.cluster.local",
)
SET = "svc.clusterset.local"
CASES = (
    # ---- K 2.2: the version of the schema
    Case("K 2.2", EAST, "dns-version.cluster.local", "TXT", ("TXT 1.1.0",)),
    Case("K 2.2", SOUTH, "dns-version.south.internal", "TXT", ("TXT 1.1.0",)),
    Case("K 2.2", EAST, "dns-version.cluster.local", "A", NODATA),
    # ---- K 2.3: Services with a ClusterIP
    Case("K 2.3.1", EAST, WEB, "A", ("A {web@east}",)),
    Case("K 2.3.1", EAST, WEB, "AAAA", ("AAAA {web@east/6}",)),
    Case("K 2.3.1", WEST, "own.shop.svc.cluster.local", "AAAA", NODATA),
    Case("K 2.3.1", EAST, "none.shop.svc.cluster.local", "A", NXDOMAIN),
    Case("K 2.3.2", EAST, f"_http._tcp.{WEB}", "SRV", (f"SRV 0 100 80 {WEB}",)),
    Case("K 2.3.2", EAST, f"_dns._udp.{WEB}", "SRV", (f"SRV 0 100 5353 {WEB}",)),
    Case("K 2.3.2 the protocol is part of the name", EAST, f"_http._udp.{WEB}", "SRV", NXDOMAIN),
    Case("K 2.3.2 only named ports", EAST, f"_80._tcp.{WEB}", "SRV", NXDOMAIN),
    Case("K 2.3.2 only named ports", EAST, WEB, "SRV", NODATA),
    Case("K 2.3.3", EAST, "{reverse:web@east}", "PTR", (f"PTR {WEB}",)),
    Case("K 2.3.3", EAST, "{reverse:web@east/6}", "PTR", (f"PTR {WEB}",)),
    Case("K 2.3.3", EAST, "1.0.20.172.in-addr.arpa", "PTR", NXDOMAIN),
    Case("K 2.3 pods of a ClusterIP have no names", EAST, f"web-0.{WEB}", "A", NXDOMAIN),
    # ---- K 2.4: headless Services
    Case("K 2.4.1", EAST, LOG, "A", ("A {log-0@east}", "A {log-1@east}", "A {log-2@east}")),
    Case("K 2.4.1", EAST, LOG, "AAAA", ("AAAA {log-0@east/6}", "AAAA {log-1@east/6}", "AAAA {log-2@east/6}")),
    Case("K 2.4.1 by hostname", EAST, f"log-1.{LOG}", "A", ("A {log-1@east}",)),
    Case("K 2.4.1 by hostname", EAST, f"log-2.{LOG}", "AAAA", ("AAAA {log-2@east/6}",)),
    Case("K 2.4.1 no such pod", EAST, f"log-3.{LOG}", "A", NXDOMAIN),
    Case("K 2.4.2 the port is the pod's", EAST, f"_client._tcp.{LOG}", "SRV", tuple(f"SRV 0 100 9092 log-{n}.{LOG}" for n in range(3))),
    Case("K 2.4.3", EAST, "{reverse:log-1@east}", "PTR", (f"PTR log-1.{LOG}",)),
    Case("K 2.4.3", EAST, "{reverse:log-2@east/6}", "PTR", (f"PTR log-2.{LOG}",)),
    Case("K 2.4.1 of sidecars", EAST, "web-dapr.shop.svc.cluster.local", "A", ("A {web-0@east}", "A {web-1@east}")),
    Case("K 2.4.1 without hostname", EAST, "{label:web-1@east}.web-dapr.shop.svc.cluster.local", "A", ("A {web-1@east}",)),
    Case("K 2.4.1 without hostname", EAST, "{label:web-0@east/6}.web-dapr.shop.svc.cluster.local", "A", NODATA),
    Case("K 2.4.1 without hostname", EAST, "{label:web-0@east/6}.web-dapr.shop.svc.cluster.local", "AAAA", ("AAAA {web-0@east/6}",)),
    Case("K 2.4.1 without hostname", EAST, "web-0.web-dapr.shop.svc.cluster.local", "A", NXDOMAIN),
    Case("K 2.4.2 without hostname", EAST, "_dapr-internal._tcp.web-dapr.shop.svc.cluster.local", "SRV",
         tuple(f"SRV 0 100 50002 {{label:web-{n}@east{v}}}.web-dapr.shop.svc.cluster.local" for n in (0, 1) for v in ("", "/6"))),
    # ---- K 2.5: Services of type ExternalName
    Case("K 2.5.1", EAST, "smtp.shop.svc.cluster.local", "CNAME", ("CNAME relay.host.example",)),
    Case("K 2.5.1", EAST, "smtp.shop.svc.cluster.local", "A", ("CNAME relay.host.example", "A {relay.host.example}")),
    Case("K 2.5.1", WEST, "smtp.shop.svc.cluster.local", "CNAME", NXDOMAIN),
    # ---- K 2.6: pods by their address are deprecated, and not served here
    Case("K 2.6", EAST, "10-1-2-3.shop.pod.cluster.local", "A", NXDOMAIN),
    # ---- names and letters
    Case("RFC 4343", EAST, WEB.upper(), "A", ("A {web@east}",)),
    Case("RFC 4343", EAST, f"_HTTP._Tcp.{WEB}", "SRV", (f"SRV 0 100 80 {WEB}",)),
    Case("RFC 8020 a name between names exists", EAST, "shop.svc.cluster.local", "A", NODATA),
    Case("RFC 8020 a name between names exists", EAST, f"_tcp.{WEB}", "A", NODATA),
    Case("RFC 8020", EAST, "svc.cluster.local", "TXT", NODATA),
    Case("RFC 8020 nothing is below what is not there", EAST, "a.b.c.cluster.local", "A", NXDOMAIN),
    Case("RFC 1034 4.2.1", EAST, "cluster.local", "NS", ("NS ns.dns.cluster.local",)),
    Case("RFC 1034 4.2.1", EAST, "ns.dns.cluster.local", "A", ("A 10.1.0.2",)),
    # ---- two clusters with the same domain know only their own
    Case("K 2.1 a zone is one cluster's", WEST, WEB, "A", NXDOMAIN),
    Case("K 2.1", EAST, "own.shop.svc.cluster.local", "A", NXDOMAIN),
    Case("K 2.1", EAST, MODEL, "A", NXDOMAIN),
    Case("K 2.1", WEST, MODEL, "A", ("A {model@west}",)),
    Case("K 2.1", EAST, STORE, "A", ("A {store-0@east}", "A {store-1@east}")),
    Case("K 2.1", WEST, STORE, "A", ("A {store-0@west}", "A {store-1@west}")),
    Case("K 2.1", SOUTH, WEB, "A", REFUSED),
    Case("K 2.1", EAST, "far.shop.svc.south.internal", "A", REFUSED),
    Case("K 2.1", PUBLIC, WEB, "A", REFUSED),
    # ---- M: Services that clusters share
    Case("M schema version", EAST, "dns-version.clusterset.local", "TXT", ("TXT 1.0.0",)),
    Case("M ClusterSetIP: A", EAST, f"model.ml.{SET}", "A", ("A {model@east/set}",)),
    Case("M ClusterSetIP: A", WEST, f"model.ml.{SET}", "A", ("A {model@west/set}",)),
    Case("M ClusterSetIP: SRV", EAST, f"_grpc._tcp.model.ml.{SET}", "SRV", (f"SRV 0 100 50051 model.ml.{SET}",)),
    Case("M headless: A", EAST, f"store.ml.{SET}", "A", ("A {store-0@east}", "A {store-1@east}", "A {store-0@west}", "A {store-1@west}")),
    Case("M headless: hostname and cluster", EAST, f"store-1.west.store.ml.{SET}", "A", ("A {store-1@west}",)),
    Case("M headless: hostname and cluster", WEST, f"store-0.east.store.ml.{SET}", "A", ("A {store-0@east}",)),
    Case("M headless: SRV", WEST, f"_sql._tcp.store.ml.{SET}", "SRV",
         tuple(f"SRV 0 100 5432 store-{n}.{c}.store.ml.{SET}" for c in (EAST, WEST) for n in (0, 1))),
    # what must not exist
    Case("M not exported", EAST, f"web.shop.{SET}", "A", NXDOMAIN),
    Case("M not exported", WEST, f"web.shop.{SET}", "A", NXDOMAIN),
    Case("M not exported", WEST, f"_http._tcp.web.shop.{SET}", "SRV", NXDOMAIN),
    Case("M no name for one cluster's part of a ClusterSetIP", EAST, f"west.model.ml.{SET}", "A", NXDOMAIN),
    Case("M no pods of a ClusterSetIP", EAST, f"model-0.west.model.ml.{SET}", "A", NXDOMAIN),
    Case("M headless: no hostname without its cluster", EAST, f"store-0.store.ml.{SET}", "A", NXDOMAIN),
    Case("M headless: no data for a cluster alone", EAST, f"west.store.ml.{SET}", "A", NODATA),
    Case("M headless: no such cluster", EAST, f"store-0.south.store.ml.{SET}", "A", NXDOMAIN),
    Case("M ExternalName is not exported", EAST, f"smtp.shop.{SET}", "CNAME", NXDOMAIN),
    Case("M no names of pods", EAST, "10-1-2-3.ml.pod.clusterset.local", "A", NXDOMAIN),
    Case("M a cluster outside the set", SOUTH, f"model.ml.{SET}", "A", REFUSED),
    Case("M a cluster's own zone stays its own", EAST, f"_grpc._tcp.{MODEL}", "SRV", NXDOMAIN),
    # ---- Z: two views of one domain
    Case("Z outside", PUBLIC, "www.corp.example", "A", ("A {door/public}",)),
    Case("Z outside", PUBLIC, "www.corp.example", "AAAA", ("AAAA {door/6}",)),
    Case("Z inside", EAST, "www.corp.example", "A", ("A {door}",)),
    Case("Z a private zone covers the public one", SOUTH, "www.corp.example", "A", ("A {door}",)),
    Case("Z a private zone covers the public one", WEST, "mail.corp.example", "A", ("A 203.0.113.25",)),
    Case("Z outside", PUBLIC, "mail.corp.example", "A", ("A 203.0.113.25",)),
    Case("Z no fall-through", WEST, "new.corp.example", "A", NXDOMAIN),
    Case("Z internal names are not seen outside", PUBLIC, "db.corp.example", "A", NXDOMAIN),
    Case("Z internal names are not seen outside", PUBLIC, "legacy.corp.example", "AAAA", NXDOMAIN),
    Case("Z only where it is associated", WEST, "db.corp.example", "A", NXDOMAIN),
    Case("Z", EAST, "legacy.corp.example", "AAAA", ("AAAA fd00:99::5",)),
    Case("RFC 1034 3.6.2 chains", PUBLIC, "blog.corp.example", "A",
         ("CNAME docs.corp.example", "CNAME pages.host.example", "A {pages.host.example}")),
    Case("RFC 1034 3.6.2 the alias itself", PUBLIC, "blog.corp.example", "CNAME", ("CNAME docs.corp.example",)),
    Case("RFC 1034 3.6.2 across zones", EAST, "queue.corp.example", "A",
         (f"CNAME {LOG}", "A {log-0@east}", "A {log-1@east}", "A {log-2@east}")),
    Case("RFC 2308 2.2 no data at the end of a chain", EAST, "queue.corp.example", "TXT", (f"CNAME {LOG}",)),
    Case("RFC 8499 not ours", PUBLIC, "somebody.example.net", "A", REFUSED),
    Case("RFC 8499 not ours", EAST, "somebody.example.net", "A", REFUSED),
)  # fmt: skip
TTLS = (("www.corp.example", "A", 60), ("docs.corp.example", "CNAME", 300), (WEB, "A", 30), ("ns.dns.corp.example", "A", 30))
"""(name, kind, seconds that it may be kept), in every view that has it."""
