"""Pages that show what a preview has: its version, its data and the services it calls."""

import json
from urllib.request import urlopen

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET, require_http_methods
from redis import Redis, RedisError

from notes import tasks
from notes.models import Note, Order, User

TIMEOUT = 5  # seconds


@require_GET
def healthz(_: HttpRequest) -> JsonResponse:
    """Say whether the database answers: the readiness probe and the smoke test ask."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return JsonResponse({"error": str(error)}, status=503)
    return JsonResponse({"status": "ok"})


@require_GET
def index(_: HttpRequest) -> JsonResponse:
    """Say which version runs, what it calls, and how many rows it has."""
    rows = {model._meta.db_table: model.objects.count() for model in (User, Order, Note)}
    answer = {
        "version": settings.VERSION,
        "public_url": settings.PUBLIC_URL,
        "dependencies": settings.DEPENDENCIES,
        "rows": rows,
        "redis_seed": _redis_seed(),
    }
    return _for_browsers(JsonResponse(answer))


@require_GET
def call(_: HttpRequest, dependency: str) -> JsonResponse:
    """Ask another service for its front page, and show what it says."""
    url = settings.DEPENDENCIES.get(dependency)
    if url is None:
        return JsonResponse({"error": f"{dependency.upper()}_URL is not set"}, status=404)
    try:
        with urlopen(f"{url}/", timeout=TIMEOUT) as response:
            answer = json.load(response)
    except (OSError, ValueError) as error:
        return JsonResponse({"url": url, "error": str(error)}, status=502)
    return JsonResponse({"url": url, "answer": answer})


@require_http_methods(["GET", "POST"])
def notes(request: HttpRequest) -> JsonResponse:
    """List the notes; POST adds the body as one, and the worker adds another about it."""
    if request.method == "POST":
        note = Note.objects.create(text=request.body.decode(errors="replace"))
        tasks.answer.delay(note.pk)
        return JsonResponse({"id": note.pk}, status=201)
    return JsonResponse({"notes": list(Note.objects.values("id", "text", "written_by", "version", "created_at"))})


def _redis_seed() -> str | None:
    """Return the tag of the dataset that was loaded into Redis; nothing if Redis does not answer."""
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT, decode_responses=True) as redis:
            return redis.get("seed:tag")
    except RedisError:
        return None


def _for_browsers(response: JsonResponse) -> JsonResponse:
    """Let the pages of every frontend read the answer: the previews have different hosts."""
    response["Access-Control-Allow-Origin"] = "*"
    return response
