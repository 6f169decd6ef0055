"""Files and values available to the notebooks of figures, by parameter name."""


def encoder_labels():
    """Return the names of the encoders in figures: A1 and A2 as in the paper if these are unique, otherwise unchanged.

    An untrained encoder keeps its name.
    """
    short = {name: generation_of(name) or name for name in RUN.encoders}
    return short if len(set(short.values())) == len(short) else {name: name for name in short}


def generation_of(encoder):
    """Return the name of an encoder in the paper, A1 or A2; None for another architecture and an untrained encoder."""
    summary = RUN.summary_of(encoder)
    return None if summary["untrained"] else {"v1": "A1", "v2": "A2"}.get(summary["architecture"])


def dataset_of(wildcards):
    """Return the dataset of a figure, or the first dataset for a figure of the whole run."""
    return wildcards.get("dataset") or next(iter(RUN.datasets))


def observation_files(wildcards):
    """Return the observation files of all shards, by survey."""
    return {
        survey: [f"<results>/parquet/{survey}/observations/{shard}.parquet" for shard in shards_of(survey)]
        for survey in RUN.used_surveys
    }


def prediction_files(wildcards):
    """Return the predictions of the heads on the first encoder, finetuned if configured."""
    dataset, encoder = dataset_of(wildcards), next(iter(RUN.encoders))
    return f"<results>/classify/{encoder}/{RUN.states_of(encoder)[-1]}/{dataset}/heads/predictions.parquet"


def calibrated_classifiers():
    """Return folder, model, encoder, state and calibrating subset of at most six classifiers whose calibration is shown.

    These are the first head on up to four encoders and, where there are fused classifiers, the first of them and the
    forest on features. The classifiers without a set of objects to calibrate on are left out.
    """
    chosen = [
        {
            "kind": "heads",
            "model": head,
            "encoder": encoder,
            "state": RUN.states_of(encoder)[-1],
            "subset": "validation",
        }
        for head in RUN.classification.frozen_heads[:1]
        for encoder in list(RUN.encoders)[:4]
    ]
    if RUN.classification.fused:
        encoder = next(iter(RUN.encoders))
        held_out = {"encoder": encoder, "state": RUN.states_of(encoder)[-1], "subset": "held_out"}
        chosen.append({"kind": "probes", "model": "fused", **held_out})
        chosen.append({"kind": "features", "model": "features_forest", **held_out, "encoder": None, "state": None})
    return {f"{one['model']} on {one['encoder'] or 'features'}": one for one in chosen}


def calibrated_files(wildcards):
    """Return the predictions of the classifiers whose calibration is shown, by the classifier's name."""
    return {
        name: (
            f"<results>/classify/{one['encoder']}/{one['state']}/{wildcards.dataset}/{one['kind']}/predictions.parquet"
            if one["encoder"]
            else f"<results>/classify/features/{wildcards.dataset}/predictions.parquet"
        )
        for name, one in calibrated_classifiers().items()
    }


def curve_files(wildcards):
    """Return the learning curves and scores of pretraining, by label of the encoder."""
    tables = ("history", "steps", "scores")
    return {
        label: {table: f"<results>/pretrain/{encoder}/{table}.csv" for table in tables}
        for encoder, label in encoder_labels().items()
        if encoder in RUN.trained_encoders and RUN.training_of(encoder).epochs
    }


def hidden_point_files(wildcards):
    """Return the errors at hidden points of the encoders of an ablation, by encoder and dataset."""
    return {
        encoder: {dataset: f"<results>/analyse/{encoder}/{dataset}/hidden_points.csv" for dataset in RUN.datasets}
        for encoder in RUN.recipes
    }


def largest_spc(dataset):
    """Return the largest number of samples per class of a dataset."""
    return max(RUN.datasets[dataset].spc)


def of_largest_spc(path):
    """Input function: a path whose `{spc}` is the dataset's largest number of samples per class."""

    def path_of(wildcards):
        return path.format(**wildcards, spc=largest_spc(wildcards.dataset))

    return path_of


def of_folds_at_largest_spc(path):
    """Input function: a path with `{fold}` for all folds of the dataset, and its largest SPC for `{spc}`."""

    def paths(wildcards):
        spc, folds = largest_spc(wildcards.dataset), range(RUN.datasets[wildcards.dataset].folds)
        return [path.format(**wildcards, fold=fold, spc=spc) for fold in folds]

    return paths


def skip_head():
    """Return the name of the first head of the run that mixes all levels by gamma, or None."""
    return heads_of_modules().get("skip")


def skip_heads(wildcards):
    """Return the folders of trained heads with gamma on an encoder, each with its dataset, number of folds and SPC."""
    place = f"<results>/classify/{wildcards.encoder}/{RUN.states_of(wildcards.encoder)[-1]}"
    return {
        f"{place}/{name}/heads/models": {"dataset": name, "folds": dataset.folds, "spc": dataset.spc}
        for name, dataset in RUN.datasets.items()
        if skip_head()
    }


def finetuning_files(wildcards):
    """Return scores and time of every finetuning of an encoder, by dataset, fold and SPC."""
    files = {name: {} for name in RUN.datasets}
    for name, fold, spc in sets_of_datasets():
        folder = f"<results>/finetune/{wildcards.encoder}/{name}/fold{fold}/spc{spc}"
        tables = {table: f"{folder}/{table}.csv" for table in ("scores", "timing")}
        files[name].setdefault(str(fold), {})[str(spc)] = tables
    return files


def of_each_dataset(path):
    """Input function: a path with `{dataset}` for each dataset, by its name."""

    def paths(wildcards):
        return {name: path.format(**wildcards, dataset=name) for name in RUN.datasets}

    return paths


def heads_of_modules():
    """Return the name of the first head of the run for each module of heads."""
    found = {}
    for name in RUN.classification.frozen_heads:
        found.setdefault(RUN.classification.heads[name].head, name)
    return found


def generations():
    """Return encoder and state that stand for Astromer 1 and 2 in comparisons with the paper, of those in the run."""
    found = {}
    for name in RUN.encoders:
        if label := generation_of(name):
            found.setdefault(label, {"encoder": name, "state": RUN.states_of(name)[-1]})
    return found


def training_records(wildcards):
    """Return the training records of the first fold and the largest SPC."""
    dataset = dataset_of(wildcards)
    return f"<results>/records/{dataset}/fold0/spc{largest_spc(dataset)}/train.tfrecord"


def masking_variant():
    """Return the variant in which windows are masked for the first trained encoder; without any, that of the paper."""
    return next((RUN.encoders[name].variant for name in RUN.trained_encoders), "paper")


# Files that a notebook can read, by parameter name: functions that return a path, or nested lists and dictionaries.
INPUTS = {
    "attention": lambda wildcards: f"<results>/analyse/{wildcards.encoder}/{wildcards.dataset}/attention.parquet",
    "calibrated": calibrated_files,
    "claims": lambda wildcards: "<results>/tables/claims.csv",
    "curves": curve_files,
    "hidden_points": hidden_point_files,
    "finetunings": finetuning_files,
    "gammas": lambda wildcards: f"<results>/analyse/{wildcards.encoder}/gammas.csv",
    "maps": lambda wildcards: f"<results>/analyse/{wildcards.encoder}/{wildcards.dataset}/maps.parquet",
    "metadata": lambda wildcards: f"<results>/parquet/{survey_of(wildcards)}/metadata.parquet",
    "metrics": lambda wildcards: "<results>/tables/metrics.csv",
    "observations": observation_files,
    "predictions": prediction_files,
    "reconstruction": lambda wildcards: f"<results>/analyse/{wildcards.encoder}/{wildcards.dataset}/reconstruction.parquet",
    "records": training_records,
    "silhouettes": of_each_dataset("<results>/analyse/{encoder}/{dataset}/silhouette.csv"),
    "split": lambda wildcards: f"<results>/splits/{wildcards.dataset}.parquet",
}

# Values that a notebook can have as parameters, by parameter name.
VALUES = {
    "calibrated_classifiers": lambda wildcards: calibrated_classifiers(),
    "classifier": lambda wildcards: (
        f"{RUN.classification.frozen_heads[0]} on {next(iter(RUN.encoders))},"
        f" {RUN.states_of(next(iter(RUN.encoders)))[-1]}"
    ),
    "class_lists": lambda wildcards: {name: dataset.classes for name, dataset in RUN.datasets.items()},
    "classes": lambda wildcards: RUN.datasets[dataset_of(wildcards)].classes,
    "dataset": lambda wildcards: wildcards.dataset,
    "encoder": lambda wildcards: encoder_labels()[wildcards.encoder],
    "encoders": lambda wildcards: encoder_labels(),
    "example_dataset": dataset_of,
    "fold_counts": lambda wildcards: {name: dataset.folds for name, dataset in RUN.datasets.items()},
    "folds": lambda wildcards: list(range(RUN.datasets[dataset_of(wildcards)].folds)),
    "generations": lambda wildcards: generations(),
    "heads": lambda wildcards: heads_of_modules(),
    "masking": lambda wildcards: RUN.masking.plain(),
    "model": lambda wildcards: RUN.classification.frozen_heads[0],
    "pretraining_surveys": lambda wildcards: RUN.pretraining.surveys,
    "recipes": lambda wildcards: RUN.recipes,
    "role": lambda wildcards: RUN.role_of(wildcards.dataset),
    "roles": lambda wildcards: {name: RUN.role_of(name) for name in RUN.datasets},
    "run": lambda wildcards: RUN.run,
    "seed": lambda wildcards: RUN.seed,
    "seeds": lambda wildcards: RUN.classification.seeds,
    "spc": lambda wildcards: RUN.datasets[dataset_of(wildcards)].spc,
    "is_simulated": lambda wildcards: RUN.survey_of(dataset_of(wildcards)).options.simulated,
    "simulated_datasets": lambda wildcards: [name for name in RUN.datasets if RUN.survey_of(name).options.simulated],
    "simulated": lambda wildcards: RUN.simulated_surveys,
    "surveys": lambda wildcards: RUN.used_surveys,
    "variant": lambda wildcards: masking_variant(),
    "window": lambda wildcards: RUN.window,
}
OUTPUTS = {"pdf", "png", "table"}


def leaves(nest):
    """List all paths in nested lists and dictionaries."""
    if isinstance(nest, str):
        return [nest]
    return [path for item in (nest.values() if isinstance(nest, dict) else nest) for path in leaves(item)]


def resolved(nest):
    """Replace `<results>` by the folder of results in nested lists and dictionaries of paths."""
    if isinstance(nest, str):
        return nest.replace("<results>", f"results/{RUN.run}")
    if isinstance(nest, dict):
        return {key: resolved(item) for key, item in nest.items()}
    return [resolved(item) for item in nest]
