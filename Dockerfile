# docker build -t echoless .
# docker run -v echoless-data:/data -e DISCORD_TOKEN echoless
#
# Settings: mount a file as /config.toml, or set variables such as ECHOLESS_TELEMETRY__LOG_LEVEL=debug.
# The token as a secret: -e ECHOLESS_DISCORD__TOKEN_FILE=/run/secrets/discord_token instead of DISCORD_TOKEN.
# With the log in an engine: docker build --build-arg EXTRAS=llm,pictures,postgresql,speed (or dynamodb, or kafka).

FROM python:3.13-slim AS build
ARG EXTRAS=llm,page,pdf,pictures,speed
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY bot bot
RUN python -m venv --without-pip /opt/echoless
RUN python -m pip --python /opt/echoless/bin/python install --no-cache-dir --quiet --constraint constraints.txt ".[${EXTRAS}]"

FROM python:3.13-slim
ENV PATH="/opt/echoless/bin:$PATH" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin echoless \
    && install --directory --owner echoless --mode 0700 /data
COPY --from=build /opt/echoless /opt/echoless
USER echoless
# The log's default folder, "data", counts from here.
WORKDIR /
VOLUME /data
# Follows the port only where the environment sets it; a port in /config.toml needs a --health-cmd of its own.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", "import http.client, os, sys; asked = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('ECHOLESS_TELEMETRY__PORT', '8080')), timeout=4); asked.request('GET', '/healthz'); sys.exit(asked.getresponse().status != 200)"]
ENTRYPOINT ["echoless"]
CMD ["run"]
