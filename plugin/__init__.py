"""A generator plugin for Argo CD's ApplicationSet: one environment per labelled pull request.

Follow one request, which is also a good order to read the code in:

1. `web/getparams.py` checks the token and parses what Argo CD asks for.
2. `mirror/answers.py` answers from the newest version that was stored.

Answers are made in the background, one refresh after the other (`mirror/refresh.py`):

3. `mirror/gather.py` reads a source (`sources/`) and keeps what is in doubt as it was known (`core/facts/`).
4. `core/decision/` decides who gets a preview, where each of its calls goes and why, and what a template gets.
5. `core/answers/` compares the new answers with the last ones and records what happened; `state/` stores everything
   before any of it is answered.

`core/` is pure: no network, no clock, no files. `app.py` puts everything together.
"""

__version__ = "0.1.0"
