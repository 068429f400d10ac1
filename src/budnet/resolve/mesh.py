"""What a mesh adds to a pod: its sidecar's listeners, and the labels that policies can select by.

Dapr 1.15: `dapr.io/enabled` and `dapr.io/app-port` are annotations, which no policy can select; the injector adds the
labels below. The API ports 3500 and 50001 listen on loopback; 50002 is where sidecars call each other, with mTLS.
"""

from __future__ import annotations

from budnet.ir.address import Protocol
from budnet.ir.endpoint import Listener

PORT, PORT_NAME = 50002, "dapr-internal"
LISTENERS = (
    Listener("mesh", Protocol.TCP, PORT, "mtls"),
    Listener("dapr-http", Protocol.TCP, 3500, loopback=True),
    Listener("dapr-grpc", Protocol.TCP, 50001, loopback=True),
)
APP_ID = "dapr.io/app-id"


def labels(service: str) -> dict[str, str]:
    """The labels that the injector puts on a pod."""
    return {"dapr.io/sidecar-injected": "true", APP_ID: service}


def service(app: str) -> str:
    """What Dapr's operator calls the headless Service of an app's sidecars."""
    return f"{app}-dapr"
