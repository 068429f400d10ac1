"""What has to be carried into an air gap: one OCI image layout with a signed list of what is in it.

oci.py       descriptors, and what a manifest leads to
sources.py   where artefacts come from: OCI layouts and archives, registries, files and folders
registry.py  the part of the OCI distribution API that carries manifests and blobs
lock.py      `bundle.lock`: every artefact by digest, signed with Ed25519
write.py     writes a bundle: beside, then in one step
verify.py    checks one, without any network
chunks.py    cuts one for media of a limited size, and joins it again

Helm charts are as Helm stores them in registries (helm.sh/docs/topics/registries), models, packages and files are artefacts
of the OCI image specification 1.1 with a layer for each file, as ORAS writes them. So one registry takes everything.
"""
