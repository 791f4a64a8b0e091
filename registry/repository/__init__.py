"""What a registry is: blobs, uploads, manifests, tags, referrers, the catalog.

Start at ``registry.py``. All state is in files behind the storage driver; in memory are
caches only, which this one process, the only writer, corrects exactly.
"""
