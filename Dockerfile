# The one image of both functions: the API serves, the worker trains. Build: docker build --platform linux/arm64 -t serendip .
ARG BASE=public.ecr.aws/lambda/python:3.13
FROM ${BASE} AS build
WORKDIR /build
RUN pip install --no-cache-dir uv==0.13.9
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY app app
RUN uv pip install --no-cache --system --target /packages --constraint requirements.lock '.[train,tracing]' \
    && python -m compileall -q --invalidation-mode unchecked-hash /packages

FROM ${BASE}
COPY --from=build /packages ${LAMBDA_TASK_ROOT}/
# A handler that does not import must fail here and not at the first request.
RUN SERENDIP_SECRET=only-for-this-import-check-and-never-used AWS_REGION=us-east-1 \
    AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none python -c "import app.entry.aws"
USER 1000
CMD ["app.entry.aws.handler"]
