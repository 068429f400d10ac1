"""A topology with a server of each kind, for keys of both kinds, each with a TLS profile drawn at random."""

from __future__ import annotations

import random

from budnet.tls.suites import SUITES_12, USUAL_13

SOFTWARE = {"haproxy": "", "postgresql": "software: postgresql, ", "redis": "software: redis, "}
# those that OpenSSL 3 takes at its usual level of security, with a certificate of either kind
USABLE = [s.openssl for s in SUITES_12 if s.key_exchange in ("ECDHE", "RSA") and s.authentication in ("RSA", "ECDSA") and "AES" in s.iana
          and "EXPORT" not in s.iana and "CCM_8" not in s.iana]  # fmt: skip


def topology(seed: int) -> str:
    """Each server with a profile of its own, drawn at random."""
    chance = random.Random(seed)
    profiles, services, flows = [], [], []
    for software, words in SOFTWARE.items():
        for key in ("rsa-2048", "ec-p256"):
            name = f"{software}-{key[:3].strip('-')}"
            kind = "RSA" if key.startswith("rsa") else "ECDSA"
            fitting = [s for s in USABLE if f"-{kind}-" in s or (kind == "RSA" and "ECDSA" not in s)]
            ciphers = chance.sample(fitting, chance.randint(1, 6)) + chance.sample(USABLE, 2)
            suites = chance.sample(USUAL_13, chance.randint(1, 3))
            minimum = chance.choice(["1.2", "1.2", "1.3"])
            below = f"ciphers: [{', '.join(ciphers)}], " if minimum == "1.2" else ""
            profiles.append(f'  {name}: {{minimum: "{minimum}", {below}ciphersuites: [{", ".join(suites)}], key: {key}}}')
            services.append(f"  {name}: {{subnet: main/apps, {words}tls: {name}, ports: {{x: 5432/tcp}}}}")
            flows.append(f"  - {{from: client, to: {name}, port: x}}")
    return "\n".join([
        "budnet: 1", "name: judges", "networks:", "  main: {cidr: 10.0.0.0/16, subnets: {apps: {cidr: 10.0.1.0/24, access: isolated}}}",
        "tls:", *profiles, "services:", "  client: {subnet: main/apps}", *services, "flows:", *flows, "",
    ])  # fmt: skip
