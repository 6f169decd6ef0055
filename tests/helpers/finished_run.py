"""A finished run made by hand: two classifiers, one figure, and the provenance of the jobs behind them."""

import json
from pathlib import Path

import numpy as np
import polars as pl

from astromer.evaluation.predictions import of_classifier, predictions_table
from astromer.evaluation.scores import score_predictions, tag_scores
from astromer.files import sha256_of
from astromer.plots.style import new_figure, save_figure
from astromer.stages.claims import write_claims

CLASSES = ["EC", "RRab"]
CONFIG = {
    "run": "hand",
    "seed": 1,
    "surveys": {"sim": {"format": "simulated"}},
    "pretraining": {"surveys": ["sim"]},
    "encoders": {"v2": {"architecture": "v2", "finetune": False}},
    "datasets": {"stars": {"survey": "sim", "classes": CLASSES, "folds": 1, "spc": [5]}},
    "classification": {"calibration": {"temperature": False, "coverage": None}},
}
SOURCES = [
    {"encoder": "v2", "state": "frozen", "dataset": "stars"},
    {"encoder": None, "state": None, "dataset": "stars"},
]
MODELS = {"classify/v2/frozen/stars/heads": ("skip", "head"), "baseline/stars": ("raw_gru", "baseline")}
CLAIMS = {
    "sources": SOURCES,
    "encoders": {"v2": {"architecture": "v2", "definition": {}, "untrained": False}},
    "datasets": {"stars": {"classes": CLASSES, "spc": [5], "folds": 1, "seeds": 1}},
    "head": "skip",
    "seed": 1,
}
COUNTS = "dataset,fold,spc,subset,class,objects,asked\nstars,0,,test,EC,15,15\nstars,0,,test,RRab,15,15\n"
AUDIT = """\
boundary,learned,tested,leaks,status
sim | stars,10,30,0,clean
sim | other,10,30,0,unmatched
imported | stars,10,30,7,seen
imported | other,,30,,unmatched
"""
TABLES = {
    "splits/counts.csv": COUNTS,
    "splits/audit.csv": AUDIT,
    "parquet/sim/quality.csv": "survey,level,outcome,count\nsim,object,read,40\nsim,object,kept,40\n",
    "parquet/sim/examples.csv": "survey,rule,file,line\n",
    "pretrain/v2/scores.csv": "predictor,windows,rmse_hidden\nmodel,18,0.4\nwindow_mean,18,0.5\n",
}
CAPTION = "**Figure 12: scores**\n\nA caption.\n\n**How to read it.** The axis is `F1` & not < 0."


def write_finished_run(folder: Path) -> list[Path]:
    """Write the results of a run to `folder`; return its figures and tables."""
    write(folder / "config.json", json.dumps(CONFIG))
    provenance(folder, "write_config", [], ["config.json"])
    for file, content in TABLES.items():
        write(folder / file, content)
        provenance(folder, f"write_{Path(file).stem}", [], [file])
    predictions, scores = zip(*(_classifier(folder, *item) for item in zip(MODELS, SOURCES, strict=True)), strict=True)
    metrics, claims, figure = folder / "tables/metrics.csv", folder / "tables/claims.csv", folder / "figures/fig12.png"
    metrics.parent.mkdir()
    pl.concat(scores).write_csv(metrics)
    provenance(folder, "collect_metrics", predictions, ["tables/metrics.csv"])
    write_claims([folder / file for file in predictions], claims, **CLAIMS)
    provenance(folder, "write_claims", predictions, ["tables/claims.csv"], params=CLAIMS)
    drawing = new_figure(3.5, 2)
    drawing.add_subplot().plot([0, 1])
    figure.parent.mkdir()
    save_figure(drawing, figure)
    write(folder / "tables/fig12.csv", "model,f1\nskip,0.9\nraw_gru,0.8\n")
    write(folder / "notebooks/fig12.ipynb", "{}")
    outputs = ["figures/fig12.png", "tables/fig12.csv", "notebooks/fig12.ipynb"]
    drawn = {"caption": CAPTION, "parameters": {"metrics": "results/hand/tables/metrics.csv"}}
    provenance(folder, "draw_fig12", ["tables/metrics.csv", "../../notebooks/fig12.ipynb"], outputs, params=drawn)
    return [figure, metrics, claims, *(folder / file for file in TABLES)]


def write(path: Path, text: str) -> None:
    """Write a file and the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def provenance(folder: Path, rule: str, inputs, outputs, params=None) -> None:
    """Write the provenance of a job, and what was measured of it."""
    content = {"rule": rule, "wildcards": {}, "data": "simulated", "simulated_surveys": ["sim"], "seed": 1}
    content |= {"params": params or {}, "resources": {"threads": 1, "mem_mb": 500, "runtime": 5}}
    for key, files in {"inputs": inputs, "outputs": outputs}.items():
        paths = {Path("results/hand", file): folder / file for file in files}
        content[key] = {str(name): sha256_of(path) if path.exists() else "0" * 64 for name, path in paths.items()}
    content |= {"benchmark": f"results/hand/benchmarks/{rule}.jsonl", "git_commit": "0" * 40}
    content |= {"versions": {"python": "3.11.7", "astromer": "0.1.0", "snakemake": "9.27.1"}}
    content |= {"started": "2026-01-01T00:00:00+00:00", "ended": "2026-01-01T00:01:00+00:00"}
    write(folder / f"provenance/{rule}.provenance.json", json.dumps(content))
    write(folder / f"benchmarks/{rule}.jsonl", '{"s": 60.0, "max_rss": 100.5}\n')


def _classifier(folder: Path, place: str, source: dict) -> tuple[str, pl.DataFrame]:
    """Write the predictions of a classifier that is right with a probability; return their file and scores."""
    model, kind = MODELS[place]
    labels = np.arange(30) % 2
    wrong = np.random.default_rng(len(model)).random(30) < 0.2
    probabilities = np.eye(2)[np.where(wrong, 1 - labels, labels)]
    table = predictions_table([f"star{n}" for n in range(30)], np.zeros(30), labels, probabilities, CLASSES)
    file = f"{place}/predictions.parquet"
    (folder / place).mkdir(parents=True)
    of_classifier(table, model=model, fold=0, spc=5).write_parquet(folder / file)
    provenance(folder, f"train_{model}", [], [file])
    scores = score_predictions(table, CLASSES)
    return file, tag_scores(scores, **source, run="hand", fold=0, spc=5, model=model, kind=kind, data="simulated")
