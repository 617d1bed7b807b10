"""A GitHub on loopback that cannot lie: it runs the plugin's real queries against GitHub's own schema.

Read in this order: world (what there is), graphql and cost (what is answered and what it costs), rest and
app, wire and server (HTTP), faults (what goes wrong).
"""

from .app import App
from .server import Call, GitHub, Intercept
from .wire import Request, Response, json_response
from .world import Blob, Symlink, Tree, database_id

__all__ = [
    "App",
    "Blob",
    "Call",
    "GitHub",
    "Intercept",
    "Request",
    "Response",
    "Symlink",
    "Tree",
    "database_id",
    "json_response",
]
