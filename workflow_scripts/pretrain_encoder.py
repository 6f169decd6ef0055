"""Records of unlabelled light curves -> an encoder that reconstructs hidden magnitudes."""

from _entry import logged, run
from _nodes import is_for_several_nodes, run_on_all_nodes

if is_for_several_nodes(snakemake.resources):
    with logged(snakemake.log[0]):
        run_on_all_nodes(snakemake.resources.nodes, snakemake.threads)
else:
    run(snakemake, "astromer.stages.pretrain", "pretrain_encoder", unused=["audit"])
