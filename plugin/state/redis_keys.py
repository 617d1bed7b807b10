"""The keys in Redis. Replicas of several versions of this program share one Redis during a rollout.

The state has a key for each schema, and `SCHEMA_IN_FORCE` says which of them counts; without it, the state of schema 1
counts if it exists. Everything else is shared, so that one replica polls and every hint reaches it, whatever version it
runs. Some names have a 1 because programs of schema 1 use them. See docs/adr/0009-state-is-upgraded.md.
"""

from collections.abc import Mapping

from plugin.state.entries import SCHEMA

PREFIX = "preview-plugin:"

STATES: Mapping[int, str] = {version: f"{PREFIX}{version}:state" for version in range(1, SCHEMA + 1)}
SCHEMA_IN_FORCE = f"{PREFIX}schema"

LEASE = f"{PREFIX}lease"
LEASE_OF_1 = f"{PREFIX}1:lease"  # programs of schema 1 know this one only
RETIRED = b"schema 2 or newer"  # the value of LEASE_OF_1 once no program of schema 1 may poll again
RETIRED_FOR = 10 * 365 * 24 * 60 * 60 * 1000  # milliseconds; without an expiry, programs of schema 1 ask all the time

HINTS = f"{PREFIX}1:hints"
OUTBOX = f"{PREFIX}outbox"
ASKED = f"{PREFIX}1:asked"
