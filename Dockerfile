# The plugin's image. If you mirror images: --build-context base=docker-image://registry.example.com/python:3.13-slim
# Dependabot updates version and digest together; it reads FROM, but not ARG.
FROM python:3.13.15-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS base

FROM base AS build
WORKDIR /build
RUN python -m venv /venv
COPY tools/lock/runtime.txt tools/lock/runtime.txt
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r tools/lock/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY plugin plugin
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM base
# Process 1 must handle SIGTERM from its first moment on, and Python does not: told to end while it starts, the plugin would
# go on until it is killed, half a minute later.
RUN apt-get update -q && apt-get install -qy --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
COPY --from=build /venv /venv
# The root file system can be read-only: gunicorn's heartbeat file is in memory, the state where PREVIEW_STATE says.
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 GUNICORN_CMD_ARGS="--worker-tmp-dir=/dev/shm"
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["tini", "--", "preview-plugin"]
CMD ["serve"]
