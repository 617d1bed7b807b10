"""A generator plugin for Argo CD's ApplicationSet: one environment per labelled pull request.

The way of one request, which is also a good order to read the code in:

1. `web/getparams.py` checks the token and parses what Argo CD asks.
2. `answer.py` asks `mirror/published.py`, which has the bytes ready and knows whether they are the newest.

What is answered is made in the background, by one refresh after the other (`mirror/refresh.py`):

3. `mirror/gather.py` reads a source (`sources/github/`, `sources/file.py`) and keeps what it cannot be sure of as it
   was (`core/absorb.py`, `core/confirm.py`).
4. `core/decide.py` goes through the snapshot: `core/verdicts.py` says which pull requests get a preview,
   `core/dependencies.py` where each of its calls goes and why, `core/parameters.py` what a template gets.
5. `mirror/publish.py` compares the new answers with those before (`core/breaker.py`) and writes down what happened
   (`core/history.py`); `state/` stores all of it, and only then is it answered.

`core/` is pure: no network, no clock, no files. `app.py` puts everything together.
"""

__version__ = "0.1.0"
