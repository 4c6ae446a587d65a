"""What a measurement was made on."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from bench.runs.records.base import Name, Part, Positive


class Environment(Part, kw_only=True, frozen=True):
    """The machine, its software and the date."""

    date: Annotated[str, Meta(description="when, in UTC, ISO 8601")]
    device: Annotated[Name, Meta(description="`cpu`, or the name of the CUDA device")]
    cpu: Annotated[Name, Meta(description="name of the processor")]
    threads: Annotated[Positive, Meta(description="threads of the CPU")]
    os: Annotated[str, Meta(description="operating system")]
    python: Annotated[str, Meta(description="version of Python")]
    libraries: Annotated[dict[str, str | None], Meta(description="version of each library; null where it is absent")]
    commit: Annotated[
        str | None, Meta(description="the project's commit, `-dirty` with changes; null outside a checkout")
    ]
    cuda: Annotated[str | None, Meta(description="version of CUDA that torch was built with")] = None
    cudnn: Annotated[int | None, Meta(description="version of cuDNN")] = None
    driver: Annotated[str | None, Meta(description="version of the card's driver")] = None
    float32_matmul: Annotated[str | None, Meta(description="torch's precision of float32 products")] = None
