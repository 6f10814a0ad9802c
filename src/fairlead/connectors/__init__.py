"""One folder per outside system: declaration, adapter, mapping, fixtures, README.

No connector imports another; all share `connectors.kit`.
"""
