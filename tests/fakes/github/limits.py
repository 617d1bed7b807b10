"""GitHub's hourly budget: points for GraphQL, requests for REST, each counted for itself."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

HOURLY = 5000


@dataclass(frozen=True)
class Quota:
    limit: int
    used: int
    reset_at: datetime

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    def headers(self, resource: str) -> dict[str, str]:
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-used": str(self.used),
            "x-ratelimit-reset": str(int(self.reset_at.timestamp())),
            "x-ratelimit-resource": resource,
        }


def charge(quota: Quota | None, points: int, budget: int | None, now: datetime) -> tuple[Quota, bool]:
    """Count `points`; False when they are more than the budget leaves, and then nothing is counted."""
    if quota is None or now >= quota.reset_at:
        quota = Quota(HOURLY, 0, (now + timedelta(hours=1)).astimezone(UTC))
    quota = replace(quota, limit=HOURLY if budget is None else budget)
    if budget is not None and quota.used + points > budget:
        return quota, False
    return replace(quota, used=quota.used + points), True
