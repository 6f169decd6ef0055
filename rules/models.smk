"""Stage 8, what the models do: examples that models run on, learning curves, masks, attention and reconstructions.

IN   <results>/pretrain/<ckpt>/..., <results>/finetune/<ckpt>/<dataset>/fold0/..., <results>/records/<dataset>/fold0/...
OUT  <results>/analyse/<ckpt>/<dataset>/{attention,reconstruction}.parquet    example objects, a row a point
     figures, tables and executed notebooks as in figures.smk: curves, masking, <ckpt>/fig07_<dataset> (Figs. 7 and 8)
     and <ckpt>/figB_<dataset> (Appendix B)
"""


rule analyse_attention:
    """Run the finetuned encoder on example objects; its last block's attention is all that is kept."""
    input:
        model=of_largest_spc("<results>/finetune/{ckpt}/{dataset}/fold0/spc{spc}/model.keras"),
        config=of_largest_spc("<results>/finetune/{ckpt}/{dataset}/fold0/spc{spc}/config.json"),
        records=of_largest_spc("<results>/records/{dataset}/fold0/spc{spc}/train.tfrecord"),
    output:
        points="<results>/analyse/{ckpt}/{dataset}/attention.parquet",
        provenance="<results>/analyse/{ckpt}/{dataset}/attention.provenance.json",
    log:
        "<logs>/analyse_attention/{ckpt}/{dataset}.log",
    benchmark:
        "<benchmarks>/analyse_attention/{ckpt}/{dataset}.jsonl"
    retries: 1
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(3000),
        runtime=scaled_runtime(30),
    params:
        classes=lambda wildcards: config["datasets"][wildcards.dataset]["classes"],
        per_class=3,
        window=config["window"],
        seed=config["seed"],
        simulated=simulated_surveys(),
        code=package_digest(*RECORDS_CODE, "models", *EXAMPLES_CODE, "evaluation/attention.py"),
    message:
        "Looking at the attention of {wildcards.ckpt} to {wildcards.dataset}"
    script:
        "../workflow_scripts/analyse_attention.py"


rule reconstruct_windows:
    """Hide points of example objects and let the pretrained model predict them."""
    input:
        model="<results>/pretrain/{ckpt}/model.keras",
        config="<results>/pretrain/{ckpt}/config.json",
        records=of_largest_spc("<results>/records/{dataset}/fold0/spc{spc}/validation.tfrecord"),
    output:
        points="<results>/analyse/{ckpt}/{dataset}/reconstruction.parquet",
        provenance="<results>/analyse/{ckpt}/{dataset}/reconstruction.provenance.json",
    log:
        "<logs>/reconstruct_windows/{ckpt}/{dataset}.log",
    benchmark:
        "<benchmarks>/reconstruct_windows/{ckpt}/{dataset}.jsonl"
    retries: 1
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(3000),
        runtime=scaled_runtime(30),
    params:
        classes=lambda wildcards: config["datasets"][wildcards.dataset]["classes"],
        per_class=3,
        window=config["window"],
        masking=json.dumps({"probed": 0.3, "same": 0.0, "random": 0.0}),  # of the published Appendix B
        seed=config["seed"],
        simulated=simulated_surveys(),
        code=package_digest(*TRAINING_CODE, *EXAMPLES_CODE, "evaluation/reconstruction.py"),
    message:
        "Reconstructing hidden points of {wildcards.dataset} with {wildcards.ckpt}"
    script:
        "../workflow_scripts/reconstruct_windows.py"


use rule draw_fig02 as draw_curves with:
    input:
        unpack(learning_curves),
        notebook=f"{workflow.basedir}/notebooks/curves.ipynb",
    output:
        pdf="<results>/figures/curves.pdf",
        png=report(
            "<results>/figures/curves.png",
            caption="captions/curves.rst",
            category="Figures",
            labels={"figure": "learning curves"},
        ),
        table="<results>/tables/curves.csv",
        notebook="<results>/notebooks/curves.ipynb",
        provenance="<results>/figures/curves.provenance.json",
    log:
        text="<logs>/draw_curves.log",
        notebook="<logs>/draw_curves.ipynb",
    benchmark:
        "<benchmarks>/draw_curves.jsonl"
    params:
        parameters=curves_parameters,
        seed=config["seed"],
        simulated=simulated_surveys(),
        code=package_digest("plots/style.py", "plots/training.py"),


use rule draw_fig02 as draw_masking with:
    input:
        records=f"<results>/records/{first_dataset()}/fold0/spc{largest_spc(first_dataset())}/train.tfrecord",
        notebook=f"{workflow.basedir}/notebooks/masking.ipynb",
    output:
        pdf="<results>/figures/masking.pdf",
        png=report(
            "<results>/figures/masking.png",
            caption="captions/masking.rst",
            category="Figures",
            labels={"figure": "masking"},
        ),
        table="<results>/tables/masking.csv",
        notebook="<results>/notebooks/masking.ipynb",
        provenance="<results>/figures/masking.provenance.json",
    log:
        text="<logs>/draw_masking.log",
        notebook="<logs>/draw_masking.ipynb",
    benchmark:
        "<benchmarks>/draw_masking.jsonl"
    params:
        parameters=masking_parameters,
        seed=config["seed"],
        simulated=simulated_surveys(),
        code=package_digest(*RECORDS_CODE, *EXAMPLES_CODE, "evaluation/reconstruction.py", "plots"),


use rule draw_fig02 as draw_fig07 with:
    input:
        points="<results>/analyse/{ckpt}/{dataset}/attention.parquet",
        notebook=f"{workflow.basedir}/notebooks/fig07.ipynb",
    output:
        pdf="<results>/figures/{ckpt}/fig07_{dataset}.pdf",
        png=report(
            "<results>/figures/{ckpt}/fig07_{dataset}.png",
            caption="captions/fig07.rst",
            category="Figures",
            labels={"figure": "7, {dataset}, {ckpt}"},
        ),
        table="<results>/tables/{ckpt}/fig07_{dataset}.csv",
        notebook="<results>/notebooks/{ckpt}/fig07_{dataset}.ipynb",
        provenance="<results>/figures/{ckpt}/fig07_{dataset}.provenance.json",
    log:
        text="<logs>/draw_fig07/{ckpt}/{dataset}.log",
        notebook="<logs>/draw_fig07/{ckpt}/{dataset}.ipynb",
    benchmark:
        "<benchmarks>/draw_fig07/{ckpt}/{dataset}.jsonl"
    params:
        parameters=example_parameters,
        seed=config["seed"],
        simulated=simulated_surveys(),
        code=package_digest("plots", "evaluation/attention.py"),


use rule draw_fig07 as draw_figB with:
    input:
        points="<results>/analyse/{ckpt}/{dataset}/reconstruction.parquet",
        notebook=f"{workflow.basedir}/notebooks/figB.ipynb",
    output:
        pdf="<results>/figures/{ckpt}/figB_{dataset}.pdf",
        png=report(
            "<results>/figures/{ckpt}/figB_{dataset}.png",
            caption="captions/figB.rst",
            category="Figures",
            labels={"figure": "B, {dataset}, {ckpt}"},
        ),
        table="<results>/tables/{ckpt}/figB_{dataset}.csv",
        notebook="<results>/notebooks/{ckpt}/figB_{dataset}.ipynb",
        provenance="<results>/figures/{ckpt}/figB_{dataset}.provenance.json",
    log:
        text="<logs>/draw_figB/{ckpt}/{dataset}.log",
        notebook="<logs>/draw_figB/{ckpt}/{dataset}.ipynb",
    benchmark:
        "<benchmarks>/draw_figB/{ckpt}/{dataset}.jsonl"
    params:
        parameters=example_parameters,
        seed=config["seed"],
        simulated=simulated_surveys(),
        code=package_digest("plots", "evaluation/reconstruction.py"),
