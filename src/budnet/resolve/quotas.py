"""How many peerings a cloud allows a network: what a fleet meets first."""

from __future__ import annotations

from collections import Counter

from budnet.resolve.draft import Draft

TOO_MANY, MANY = "R245", "R246"

QUOTAS = {"aws": (50, 125), "azure": (500, 500)}
"""By provider: how many peerings a network may have without asking, and at most.

AWS: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html, "Active VPC peering connections per VPC".
Azure: https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits,
"Virtual network peerings per virtual network".
"""


def quotas(draft: Draft) -> None:
    """The pass."""
    ends = Counter(end for p in draft.peerings for end in p.between)
    provider = {v.id: v.cloud.provider for v in draft.vpcs}
    for vpc, count in ends.items():
        usual, most = QUOTAS.get(provider[vpc], (count, count))
        path = ("links", next(p.id for p in draft.peerings if vpc in p.between))
        what = f"'{draft.as_written(vpc)}' has {count} peerings, and {provider[vpc]} allows a network {most}"
        if count > most:
            draft.error(TOO_MANY, what, path, "link fewer of them this way; `budnet advise` names another")
        elif count > usual:
            draft.warning(MANY, f"{what}, {usual} unless more are asked for", path, "ask the cloud for a higher quota before it is built")
