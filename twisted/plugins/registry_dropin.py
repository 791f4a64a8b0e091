"""Tells twistd that there is a ``registry`` to run."""

from twisted.application.service import ServiceMaker

registry = ServiceMaker(
    "container registry",
    "registry.cli.tap",
    "A container registry: Distribution's API, configuration and disk.",
    "registry",
)
