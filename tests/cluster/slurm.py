"""A SLURM of one node with two CPUs, for tests: `munged`, `slurmctld` and `slurmd` without systemd.

All state lies in one folder; nothing of the machine's own configuration is read. Debian: `apt-get install slurm-wlm
munge`. `python tests/cluster/slurm.py FOLDER` starts one and waits for Ctrl-C.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun")
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
# A requeued job waits for as long as a credential lives.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
JobRequeue=1
ReturnToService=2
KillWait=5
SlurmdTimeout=20
SchedulerParameters=sched_interval=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def found() -> bool:
    """Whether the programs are on this machine."""
    return all(_path_of(program) for program in PROGRAMS)


class Slurm:
    """A running cluster; `environment` is what its clients need."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
        self._daemons: dict[str, subprocess.Popen] = {}

    def start(self) -> None:
        """Start the daemons, and wait until the node takes jobs."""
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        names = {"host": socket.gethostname().partition(".")[0], "user": getpass.getuser(), "folder": self.folder}
        text = CONFIGURATION.format(**names, controller_port=_free_port(), node_port=_free_port())
        (self.folder / "slurm.conf").write_text(text)
        files = {"socket": "munge.socket", "key-file": "munge.key", "log-file": "munge.log", "pid-file": "munge.pid"}
        options = [f"--{name}={self.folder / file}" for name, file in {**files, "seed-file": "munge.seed"}.items()]
        self._run("munged", "--foreground", "--force", *options)
        wait_until(lambda: (self.folder / "munge.socket").exists(), 30, "munged")
        self._run("slurmctld", "-D", "-c")
        self.start_node()

    def start_node(self) -> None:
        """Start the node's daemon, and wait until it takes jobs."""
        self._run("slurmd", "-D")
        wait_until(lambda: self.ask("sinfo", "-h", "-o", "%T") in {"idle", "mixed", "allocated"}, 90, "the node")

    def kill_node(self) -> None:
        """Kill the node's daemon with all that runs under it, as a power failure does, and tell the controller."""
        _kill_tree(self._daemons.pop("slurmd"))
        for step in self._steps():
            _kill_group(step)
        name = self.ask("sinfo", "-h", "-o", "%n")
        self.ask("scontrol", "update", f"nodename={name}", "state=down", "reason=killed")

    def ask(self, *command: str) -> str:
        """What a client prints; empty where it fails."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout.strip()

    def state(self, job: str) -> str:
        """A job's state, such as PENDING, RUNNING or COMPLETED; of an array, all of them, each once."""
        states = [line.partition("JobState=")[2].split()[0] for line in self._lines(job) if "JobState=" in line]
        return ",".join(sorted(set(states)))

    def restarts(self, job: str) -> int:
        """How often a job was requeued."""
        (text,) = (word for line in self._lines(job) for word in line.split() if word.startswith("Restarts="))
        return int(text.partition("=")[2])

    def stop(self) -> None:
        """End all jobs and daemons."""
        self.ask("scancel", "--user", getpass.getuser())
        time.sleep(1)
        for step in self._steps():
            _kill_group(step)
        for daemon in reversed(self._daemons.values()):
            daemon.terminate()
        for daemon in self._daemons.values():
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def _lines(self, job: str) -> list[str]:
        return self.ask("scontrol", "-o", "show", "job", job).splitlines()

    def _run(self, program: str, *arguments: str) -> None:
        path = _path_of(program)
        assert path is not None, f"{program} is not installed"
        with (self.folder / f"{program}.out").open("ab") as output:
            self._daemons[program] = subprocess.Popen(
                [path, *arguments], env=self.environment, stdout=output, stderr=output, start_new_session=True
            )

    def _steps(self) -> list[int]:
        """The processes of this cluster's jobs, and of the daemons that watch over them."""
        mark = f"SLURM_CONF={self.folder / 'slurm.conf'}".encode()
        daemons = {daemon.pid for daemon in self._daemons.values()}
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            number = int(folder.name)
            try:
                ours = mark in (folder / "environ").read_bytes().split(b"\0")
                name = (folder / "comm").read_text().strip()
            except OSError:
                continue
            is_step = name == "slurmstepd" or b"SLURM_JOB_ID" in (folder / "environ").read_bytes()
            if ours and is_step and number not in daemons:
                found.append(number)
        return found


@contextmanager
def running(folder: Path) -> Iterator[Slurm]:
    """A cluster within the block."""
    cluster = Slurm(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for a condition; TimeoutError names what did not come."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come within {seconds} s")
        time.sleep(0.2)


def _path_of(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


def _kill_tree(process: subprocess.Popen) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _kill_group(number: int) -> None:
    try:
        os.kill(number, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    with running(Path(sys.argv[1]).resolve()) as cluster:
        print(f"export SLURM_CONF={cluster.folder / 'slurm.conf'}", flush=True)
        signal.pause()
