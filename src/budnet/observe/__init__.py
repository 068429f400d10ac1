"""WORLD -> NETWORK: networks that budnet did not write. What could not be seen is said, never guessed.

kubernetes/   manifests, dumps and live clusters
"""
