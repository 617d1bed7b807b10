# The plugin's image. Build it with another base if you mirror images: --build-arg BASE=registry.example.com/python:3.13-slim
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /build
RUN python -m venv /venv
COPY tools/lock/runtime.txt tools/lock/runtime.txt
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r tools/lock/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY plugin plugin
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM ${BASE}
COPY --from=build /venv /venv
# The root file system can be read-only: gunicorn's heartbeat file lives in memory, the state where PREVIEW_STATE says.
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 GUNICORN_CMD_ARGS="--worker-tmp-dir=/dev/shm"
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["preview-plugin"]
CMD ["serve"]
