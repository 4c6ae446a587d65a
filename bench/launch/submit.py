"""Submit the jobs of a sweep through submitit: to SLURM, or to processes of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.launch.plan import Plan
from mpvss.errors import UserError

MOST_TIMEOUTS = 100
"""Times that a job goes on after its time limit; submitit counts the rest down. Pre-emption is not counted."""


@dataclass(frozen=True)
class Resources:
    """What each job gets.

    Attributes:
        partition: of SLURM; None: its default.
        gpus: of each job.
        cpus: cores of each job.
        minutes: time limit of a job, after which it is queued again.
        signal_seconds: how long before the limit it is told.
        more: further options of sbatch, by name.

    """

    partition: str | None = None
    gpus: int = 0
    cpus: int = 1
    minutes: int = 240
    signal_seconds: int = 90
    more: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, least in (("gpus", 0), ("cpus", 1), ("minutes", 1), ("signal_seconds", 1)):
            if getattr(self, name) < least:
                raise UserError(f"{name} is {getattr(self, name)}; it must be {least} or more")


def submit_to_slurm(plan: Plan, resources: Resources) -> dict[str, str]:
    """Submit an array of the shards, the timing on a node of its own, and the merge after both; the jobs' numbers.

    Raises:
        UserError: submitit or SLURM is not there, or refuses an option.
    """
    submitit = _submitit()

    def executor(name: str, **more: Any) -> Any:
        try:
            made = submitit.SlurmExecutor(folder=plan.logs, max_num_timeout=MOST_TIMEOUTS)
        except RuntimeError as error:
            raise UserError(f"SLURM is not on this machine ({error}); launch from a login node, or locally") from error
        additional = {"requeue": True, **resources.more, **more.pop("additional", {})}
        chosen = {"partition": resources.partition, "gpus_per_node": resources.gpus or None}
        made.update_parameters(
            job_name=name,
            time=resources.minutes,
            cpus_per_task=resources.cpus,
            signal_delay_s=resources.signal_seconds,
            additional_parameters=additional,
            **{key: value for key, value in chosen.items() if value is not None},
            **more,
        )
        return made

    try:
        shards = executor("mpvss-shard")
        with shards.batch():
            scoring = [shards.submit(job) for job in plan.shards]
        timing = executor("mpvss-timing", exclusive=True).submit(plan.timing)
        array = scoring[0].job_id.partition("_")[0]
        after = {"dependency": f"afterok:{array}:{timing.job_id}", "kill-on-invalid-dep": "yes"}
        merge = executor("mpvss-merge", additional=after).submit(plan.merge)
    except submitit.core.utils.FailedJobError as error:
        raise UserError(f"sbatch refused a job: {error}") from error
    return {"shards": array, "timing": timing.job_id, "merge": merge.job_id}


def run_locally(plan: Plan, resources: Resources) -> int:
    """Run the shards side by side, then the timing, then the merge, and wait for each; how many cells failed.

    Shard i gets the machine's GPUs from number `i * gpus` on.

    Raises:
        UserError: submitit is not there, or a job failed.
    """
    submitit = _submitit()

    def start(job: Any, first_gpu: int = 0) -> Any:
        executor = submitit.LocalExecutor(folder=plan.logs, max_num_timeout=MOST_TIMEOUTS)
        executor.update_parameters(
            timeout_min=resources.minutes,
            signal_delay_s=resources.signal_seconds,
            gpus_per_node=resources.gpus,
            visible_gpus=list(range(first_gpu, first_gpu + resources.gpus)),
        )
        return executor.submit(job)

    running: list[Any] = []

    def finish() -> list[Any]:
        results = [job.result() for job in running]
        running.clear()
        return results

    try:
        running += [start(job, index * resources.gpus) for index, job in enumerate(plan.shards)]
        finish()
        running.append(start(plan.timing))
        finish()
        running.append(start(plan.merge))
        (failed,) = finish()
    except (submitit.core.utils.FailedJobError, submitit.core.utils.UncompletedJobError) as error:
        raise UserError(f"a job failed, see {plan.logs}: {str(error).strip().splitlines()[-1]}") from error
    finally:
        for job in running:
            job.cancel()
        for job in running:
            job.wait()
    return failed


def _submitit() -> Any:
    try:
        import submitit
    except ModuleNotFoundError:
        raise UserError("launching needs submitit: pip install 'mpvss-bench[cluster]'") from None
    return submitit
