"""A generator plugin for Argo CD's ApplicationSet: one environment per labelled pull request.

The way of one request, which is also a good order to read the code in:

1. `web/getparams.py` checks the token and parses what Argo CD asks.
2. `answer.py` has the bytes ready, or makes them once:
3. `core/decide.py` goes through the snapshot: `core/verdicts.py` says which pull requests get a preview,
   `core/dependencies.py` where each of its calls goes and why, `core/parameters.py` what a template gets.
4. The snapshot comes from `mirror/refresh.py`, which reads a source in the background
   (`sources/github/`, `sources/file.py`) and keeps what it cannot be sure of as it was.

`core/` is pure: no network, no clock, no files. `app.py` puts everything together.
"""

__version__ = "0.1.0"
