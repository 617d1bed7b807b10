"""A GitHub on loopback that cannot lie: it runs the plugin's real queries against GitHub's own schema.

Read in this order: world, checks and history (what there is), graphql, execution and cost (what is answered and what it
costs), rest and app, github (who asks), wire, server and inside (how it is reached), faults (what goes wrong).
"""

from .app import App
from .github import Call, GitHub, Intercept
from .wire import Request, Response, json_response
from .world import Blob, Event, Symlink, Tree, database_id

__all__ = [
    "App",
    "Blob",
    "Call",
    "Event",
    "GitHub",
    "Intercept",
    "Request",
    "Response",
    "Symlink",
    "Tree",
    "database_id",
    "json_response",
]
