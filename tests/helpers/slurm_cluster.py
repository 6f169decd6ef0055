"""A SLURM cluster of three nodes on the loopback of this machine, from Debian's packages, without systemd or cgroups.

Its processes are children of the tests and end with them. SLURM looks for its configuration in `/run/slurm/conf`: the
jobs' environment cannot name another place, because the executor's job step drops every variable `SLURM_*`.
"""

import os
import secrets
import shutil
import socket
import stat
import subprocess
import time
from pathlib import Path

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
SYSTEM_CONF = Path("/run/slurm/conf")
START_SECONDS = 60
NODES = {"c1": "CPUs=4 RealMemory=12000", "c2": "CPUs=4 RealMemory=12000", "g1": "CPUs=16 RealMemory=12000 Gres=gpu:2"}

CONF = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
AuthType=auth/munge
AuthInfo=socket={root}/munge.sock
SlurmUser=root
SlurmdUser=root
MailProg=/bin/true
EnforcePartLimits=ALL
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
StateSaveLocation={root}/state
SlurmctldPidFile={root}/slurmctld.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdPidFile={root}/slurmd-%n.pid
SlurmdLogFile={root}/slurmd-%n.log
SlurmdSpoolDir={root}/spool-%n
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
KillWait=5
MinJobAge=3600
InactiveLimit=0
SlurmctldTimeout=30
SlurmdTimeout=300
MessageTimeout=20
JobRequeue=0
LaunchParameters=disable_send_gids
AccountingStorageType=accounting_storage/none
{nodes}
PartitionName=short Nodes=c1,c2 Default=YES MaxTime=60 DefaultTime=10 State=UP
PartitionName=long Nodes=c1,c2 MaxTime=240 DefaultTime=10 State=UP
PartitionName=gpu Nodes=g1 MaxTime=60 DefaultTime=10 State=UP
"""


def reason_not_to_start() -> str | None:
    """Return why no cluster can be started here, or None. Installs the packages where that is possible."""
    if not os.environ.keys() & {"ASTROMER_TEST_SLURM", "GITHUB_ACTIONS"}:
        return "only `make test-slurm` and GitHub Actions install packages and start a SLURM cluster"
    if os.geteuid() != 0:
        return "a SLURM cluster is started by root"
    if SYSTEM_CONF.exists() or Path("/etc/slurm/slurm.conf").exists():
        return "this machine belongs to a SLURM cluster"
    if not all(shutil.which(program) for program in ("slurmctld", "slurmd", "munged", "sbatch")):
        return _install()
    return None


def _install() -> str | None:
    if not shutil.which("apt-get"):
        return "SLURM's packages can be installed on Debian only"
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}  # starts no service
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(
            ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120", *command],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            return f"apt-get {command[0]} failed: {done.stderr.strip()[-200:]}"
    return None


class Cluster:
    """Nodes c1 and c2 in the partitions `short` and `long`, and g1 with two pretended GPUs in `gpu`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.processes: dict[str, subprocess.Popen] = {}

    def start(self) -> None:
        """Start munge, the controller and the nodes, and wait until the nodes are idle."""
        root = self.root
        root.mkdir(parents=True)
        root.chmod(0o755)  # munge refuses a socket that others cannot reach
        (root / "state").mkdir()
        host = socket.gethostname().partition(".")[0]
        ports = _free_ports(1 + len(NODES))
        nodes = [
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} {what}"
            for (name, what), port in zip(NODES.items(), ports[1:], strict=True)
        ]
        conf = CONF.format(root=root, host=host, controller_port=ports[0], nodes="\n".join(nodes))
        (root / "slurm.conf").write_text(conf)
        for device in ("gpu0", "gpu1"):  # twins of /dev/null: SLURM shows a job its GPUs where they are devices
            os.mknod(root / device, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        (root / "gres.conf").write_text(f"AutoDetect=off\nNodeName=g1 Name=gpu File={root}/gpu[0-1]\n")
        SYSTEM_CONF.parent.mkdir(parents=True, exist_ok=True)
        SYSTEM_CONF.symlink_to(root)
        key = root / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        files = {"key-file": key, "socket": root / "munge.sock", "pid-file": root / "munged.pid"}
        files |= {"log-file": root / "munged.log", "seed-file": root / "munge.seed"}
        self._spawn("munged", "--foreground", "--force", *(f"--{name}={path}" for name, path in files.items()))
        _wait_for((root / "munge.sock").exists, "munged has no socket")
        self.start_controller()
        for node in NODES:
            self._spawn(node, "-D", "-N", node, program="slurmd")
        _wait_for(lambda: set(self.ask("sinfo", "-h", "-N", "-o", "%T").split()) == {"idle"}, "nodes are not idle")

    def start_controller(self) -> None:
        """Start the controller, again if it was stopped."""
        self._spawn("slurmctld", "-D")
        _wait_for(lambda: "UP" in self.ask("scontrol", "ping"), "the controller does not answer")

    def stop_controller(self) -> None:
        """Stop the controller; jobs go on."""
        self._end("slurmctld")

    def stop(self) -> None:
        """Cancel all jobs and end every process of the cluster."""
        if "slurmctld" in self.processes:
            subprocess.run(["scancel", "--user=root"], capture_output=True, check=False, timeout=60)
            _wait_for(lambda: not self.ask("squeue", "-h"), "jobs go on after scancel")
        for name in [*NODES, "slurmctld", "munged"]:
            self._end(name)
        if SYSTEM_CONF.is_symlink():
            SYSTEM_CONF.unlink()

    def jobs(self) -> list[dict[str, str]]:
        """List all jobs so far: id, rule, partition, state, memory and time asked, time used, working directory."""
        fields = {
            "id": "%i",
            "rule": "%k",
            "partition": "%P",
            "state": "%T",
            "memory": "%m",
            "limit": "%l",
            "used": "%M",
            "folder": "%Z",
        }
        rows = self.ask("squeue", "--states=all", "-h", "--sort=i", "-o", "|".join(fields.values())).splitlines()
        return [dict(zip(fields, row.split("|"), strict=True)) for row in rows]

    def ask(self, *command: str) -> str:
        """Return what a client command prints, nothing if it fails."""
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120).stdout

    def _spawn(self, name: str, *options: str, program: str | None = None) -> None:
        with (self.root / f"{name}.out").open("ab") as out:
            self.processes[name] = subprocess.Popen(
                [program or name, *options],
                env=os.environ | {"SLURM_CONF": str(self.root / "slurm.conf")},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def _end(self, name: str) -> None:
        process = self.processes.pop(name, None)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_ports(number: int) -> list[int]:
    opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [server.getsockname()[1] for server in opened]
    for server in opened:
        server.close()
    return ports


def _wait_for(is_true, problem: str) -> None:
    end = time.monotonic() + START_SECONDS
    while not is_true():
        if time.monotonic() > end:
            raise TimeoutError(f"{problem} after {START_SECONDS} s")
        time.sleep(0.2)
