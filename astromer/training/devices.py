"""Training on one device, several GPUs or several nodes, with the same loss and gradients on all of them."""

import logging
import os
from collections.abc import Iterable
from typing import Any

import keras
import tensorflow as tf

from astromer.errors import InputError

logger = logging.getLogger(__name__)

# TCP ports on which the nodes of a job listen: above the privileged and most registered ones, below the range that
# Linux gives to outgoing connections (from 32768). The job id selects one, because two jobs may share a node.
FIRST_PORT = 20_000
NUM_PORTS = 10_000


def prepare_devices(*, mixed_precision: bool = False, deterministic: bool = False) -> tf.distribute.Strategy:
    """Configure TensorFlow for the resources of this job; call it before any other use of TensorFlow.

    Several nodes are detected from `TF_CONFIG` or, under SLURM, from a step with several tasks (one per node). Build
    models inside `strategy.scope()`; a batch size is that of the whole step, for any number of replicas.

    The defaults are the same for CPU and GPU: float32, and no XLA (an option of the training functions). XLA compiles
    again for each shape of a batch, and on a CPU its steps are slower as well.

    Args:
        mixed_precision: compute in bfloat16, keep weights, losses and metrics in float32; worth it on recent GPUs.
        deterministic: use deterministic GPU kernels, which are slower; no effect on a CPU.

    Returns:
        TensorFlow's default strategy for one device, otherwise a strategy with one replica per GPU.
    """
    visible = tf.config.list_physical_devices("GPU")
    tf.config.set_visible_devices(visible, "GPU")
    for device in visible:
        tf.config.experimental.set_memory_growth(device, True)
    keras.config.set_dtype_policy("mixed_bfloat16" if mixed_precision else "float32")
    if deterministic and visible:
        tf.config.experimental.enable_op_determinism()
    if "TF_CONFIG" in os.environ:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    elif int(os.environ.get("SLURM_STEP_NUM_TASKS", "1")) > 1:
        strategy = tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=slurm_nodes(len(visible)))
    elif len(visible) > 1:
        strategy = tf.distribute.MirroredStrategy()
    else:
        strategy = tf.distribute.get_strategy()
    logger.info("devices: %d GPUs here, %d replicas in all", len(visible), strategy.num_replicas_in_sync)
    return strategy


def slurm_nodes(gpus: int) -> tf.distribute.cluster_resolver.ClusterResolver:
    """Find the nodes of this SLURM step, with one process and `gpus` GPUs on each."""
    port = FIRST_PORT + int(os.environ["SLURM_JOB_ID"]) % NUM_PORTS
    # By default it counts GPUs with `nvidia-smi`, which nodes without GPUs lack; `gpus` is the count.
    found = tf.distribute.cluster_resolver.SlurmClusterResolver(
        port_base=port, gpus_per_node=1, gpus_per_task=1, auto_set_gpu=False
    )
    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        found.cluster_spec(),
        task_type=found.task_type,
        task_id=found.task_id,
        num_accelerators={"GPU": gpus},
        rpc_layer="grpc",
    )


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Return whether this process writes the files: it is the only one, or that of the first node."""
    resolver = strategy.cluster_resolver
    return resolver is None or not resolver.task_id


def sum_over_replicas(totals: dict[str, Any]) -> dict[str, Any]:
    """Replace each replica's sums by the sums over all replicas, inside a replica's step.

    The gradient flows through the replica's own share only. The sum of the replicas' gradients, which Keras optimizers
    apply, is then the gradient of the global loss for any loss that is a function of the sums.
    """
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return totals
    own = {name: tf.stop_gradient(total) for name, total in totals.items()}
    everywhere = context.all_reduce(tf.distribute.ReduceOp.SUM, own)
    return {name: totals[name] - own[name] + everywhere[name] for name in totals}


def split_over_replicas(batches: Iterable[Any], strategy: tf.distribute.Strategy) -> Iterable[Any]:
    """Give each of n replicas every n-th row of each batch, so that a step uses the same rows for any n.

    The strategies' own sharding does not guarantee this: several nodes would form different batches from one node.

    Raises:
        InputError: there are several replicas and `batches` is no `tf.data.Dataset`.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return batches
    if not isinstance(batches, tf.data.Dataset):
        raise InputError(f"batches are a {type(batches).__name__}; several replicas need a tf.data.Dataset")

    def shares(context: tf.distribute.InputContext) -> tf.data.Dataset:
        count = replicas // context.num_input_pipelines
        first = context.input_pipeline_id * count
        ranks = tf.data.Dataset.range(first, first + count)

        def split(batch: Any) -> tf.data.Dataset:
            return ranks.map(lambda rank: tf.nest.map_structure(lambda rows: rows[rank::replicas], batch))

        return batches.flat_map(split).prefetch(2 * count)

    return strategy.distribute_datasets_from_function(shares)
