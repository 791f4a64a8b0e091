"""Tells twistd that there is a ``registry`` to run.

twistd looks at all plugins before it imports what takes passed sockets, so this is the
place to name them; but only if it is the registry that is run.
"""

import os
import sys

from twisted.application.service import ServiceMaker

from registry.service.passed_names import name_passed_sockets

if "registry" in sys.argv:
    name_passed_sockets(os.environ)

registry = ServiceMaker(
    "container registry",
    "registry.cli.tap",
    "A container registry: Distribution's API, configuration and disk.",
    "registry",
)
