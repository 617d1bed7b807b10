import os

from hypothesis import settings

# Machines are noisy: how long one example takes says nothing. CI tries the same examples each time.
settings.register_profile("project", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("project")
