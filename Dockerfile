# mpvss-bench in a container; the base chooses between a plain system and one with CUDA's libraries:
#   docker build -t mpvss-bench .
#   docker build -t mpvss-bench:cuda --build-arg BASE=nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04 .
#   docker run --rm -v "$PWD/runs:/runs" mpvss-bench demo --out /runs/demo
# --build-arg PIP_EXTRA_INDEX_URL=… names an index with a smaller build of torch, for the CPU alone.
ARG BASE=python:3.12-slim
FROM ${BASE}
ARG PIP_EXTRA_INDEX_URL=""

# g++ is for --compile; Python is for bases that come without it.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ python3 python3-venv python3-dev \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/mpvss-bench
COPY . .
RUN "$(command -v python || command -v python3)" -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir -c constraints.txt '.[peer]'

ENV PATH="/opt/venv/bin:${PATH}"
WORKDIR /runs
ENTRYPOINT ["mpvss-bench"]
CMD ["doctor"]
