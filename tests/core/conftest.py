"""Property tests are bounded by their number of examples, never by the clock."""

from hypothesis import settings

settings.register_profile("counted", deadline=None, print_blob=True)
settings.load_profile("counted")
