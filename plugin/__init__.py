"""A generator plugin for Argo CD's ApplicationSet: one environment per labelled pull request.

To learn the code, follow one request:

1. `web/getparams.py` checks the token and parses what Argo CD asks for.
2. `mirror/answers.py` gets the newest stored version from `mirror/newest.py` and returns what the filters select.

Versions are made in the background, one refresh after the other. `mirror/refresh.py` runs each refresh:

3. `mirror/catalog.py` reads the catalog's file again if it changed (`core/config/`).
4. `mirror/gather.py` reads a source (`sources/`) and keeps what is in doubt as it was known (`core/facts/`).
5. `mirror/advance.py` makes the next version. `core/decision/` decides who gets a preview, where each of its calls goes
   and why, and what a template gets; `core/life/` when each one starts, pauses, ends or queues. `core/answers/`
   compares that with the last answer: the breaker may hold an edit back, and the history records what happened.
6. `mirror/newest.py` stores the version (`state/`), and shows it only then.
7. `report/` tells people and Argo CD what the refresh did. What developers are told on GitHub and in Jira is made in
   `core/reports/`, and `report/reporter.py` writes it on a thread of its own. On the same thread, `report/commands.py`
   does what comments ask for (`core/commands/`). What Argo CD reports comes in through `web/notifications.py`.

`core/` is pure: no network, no clock, no files. `app.py` puts everything together, and `cli/` has the commands.
"""

__version__ = "0.1.0"
