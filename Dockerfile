# One image for all functions. Build: docker build --platform linux/arm64 -t serendip .
# To pin the base, name it with its digest: --build-arg BASE=...@sha256:...
ARG BASE=public.ecr.aws/lambda/python:3.13
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
