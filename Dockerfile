# syntax=docker/dockerfile:1
# The serving layer only: no torch, no compiler. Run it with a read-only root:
#   docker run --read-only --tmpfs /tmp -v faqmatch:/data -p 8080:8080 -e FAQMATCH_API_KEYS=admin:<secret> faqmatch

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY constraints.txt ./
COPY pyproject.toml README.md LICENSE ./
COPY models ./models
COPY indexer ./indexer
COPY service ./service
RUN python -m venv /opt/faqmatch \
    && /opt/faqmatch/bin/pip install --no-cache-dir -c constraints.txt . \
    && /opt/faqmatch/bin/python -m compileall -q /opt/faqmatch/lib

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home faqmatch \
    && install -d -o faqmatch -g faqmatch /data
COPY --from=build /opt/faqmatch /opt/faqmatch
ENV PATH=/opt/faqmatch/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    FAQMATCH_HOME=/data \
    FAQMATCH_HOST=0.0.0.0 \
    ORT_DISABLE_TELEMETRY=1
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
CMD ["faqmatch", "serve"]
