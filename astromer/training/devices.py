"""Where training runs: one device, several GPUs or several nodes, with the same loss and gradients on all."""

import logging
import os
from collections.abc import Iterable
from typing import Any

import keras
import tensorflow as tf

from astromer.errors import InputError

logger = logging.getLogger(__name__)

FIRST_PORT = 20_000  # of those that the nodes of a job may listen on


def prepare_devices(
    *, gpus: int | None = None, mixed_precision: bool = False, deterministic: bool = False
) -> tf.distribute.Strategy:
    """Set TensorFlow up for the resources of this job; call it before anything else touches TensorFlow.

    Several nodes are known from `TF_CONFIG` or, under SLURM, from a step of several tasks (one a node). Models are
    built inside `strategy.scope()`; batch sizes are of the whole step, whatever the number of replicas.

    The defaults are the same for CPU and GPU: float32, and no XLA (an option of the training functions). XLA compiles
    anew for each shape of a batch, and on a CPU its steps are slower as well.

    Args:
        gpus: use at most so many of the GPUs that the process sees; None: all of them.
        mixed_precision: compute in bfloat16, keep weights, losses and metrics in float32; worth it on recent GPUs.
        deterministic: choose deterministic GPU kernels, which are slower; a CPU needs none.

    Returns:
        The strategy: none in particular for one device, else one replica a GPU.
    """
    visible = tf.config.list_physical_devices("GPU")[:gpus]
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
    """Find the nodes of this step of SLURM, one process and `gpus` GPUs on each."""
    port = FIRST_PORT + int(os.environ["SLURM_JOB_ID"]) % 10_000  # two jobs may share a node
    # Left to itself it counts GPUs by `nvidia-smi`, which nodes without any lack; ours are counted already.
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
    """Whether this process is the one that writes files: the only one, or the first of the nodes."""
    resolver = strategy.cluster_resolver
    return resolver is None or not resolver.task_id


def sum_over_replicas(totals: dict[str, Any]) -> dict[str, Any]:
    """Replace each replica's sums by the sums over all replicas, inside a replica's step.

    The gradient flows through the replica's own share only; adding the replicas' gradients, as Keras optimizers do,
    then gives the gradient of the global loss, whatever function of the sums the loss is.
    """
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return totals
    own = {name: tf.stop_gradient(total) for name, total in totals.items()}
    everywhere = context.all_reduce(tf.distribute.ReduceOp.SUM, own)
    return {name: totals[name] - own[name] + everywhere[name] for name in totals}


def split_over_replicas(batches: Iterable[Any], strategy: tf.distribute.Strategy) -> Iterable[Any]:
    """Give each of n replicas every n-th row of each batch, so that a step sees the same rows for any n.

    The strategies' own sharding does not: several nodes would form other batches than one.

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
