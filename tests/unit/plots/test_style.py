"""Colours, captions, and files that are the same bytes each time."""

import os
import subprocess
import sys

import pytest
from figure_layout import caption_of
from matplotlib.image import imread

from astromer.errors import InputError
from astromer.plots.style import add_caption, class_colours, colours, contrast, new_figure, save_figure, source_note

DRAW = """
import sys
from astromer.plots.style import add_caption, new_figure, save_figure
figure = new_figure(2, 1.5)
figure.subplots().plot([0, 1], [1, 0], label="mag $x^2$ Δt ±")
add_caption(figure, "Simulated data.")
save_figure(figure, *sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("simulated", "note"),
    [
        ([], "Real data. Run: demo."),
        (["a", "b"], "Simulated data, no real stars. Run: demo."),
        (["b"], "Simulated data: b. Real data: a. Run: demo."),
    ],
)
def test_note_says_what_is_simulated(simulated, note):
    assert source_note("demo", ["a", "b"], simulated) == note


def test_note_refuses_a_name_that_is_not_drawn():
    with pytest.raises(InputError, match="found c"):
        source_note("demo", ["a"], ["c"])


@pytest.mark.parametrize("number", [1, 8, 9, 12])
def test_colours_differ(number):
    names = [f"name {i}" for i in range(number)]
    given = colours(names)
    assert list(given) == names
    assert len(set(given.values())) == number


def test_too_many_names_to_colour():
    with pytest.raises(InputError, match="at most 12"):
        colours([str(i) for i in range(13)])


def test_text_is_dark_on_light_and_light_on_dark():
    assert [contrast(colour) for colour in ("white", "#f9f176", "#3f007d", "black")] == ["black", "black"] + [
        "white"
    ] * 2


def test_caption_makes_the_figure_taller_and_is_never_read_as_mathematics():
    figure = new_figure(3, 2)
    figure.subplots()
    add_caption(figure, "Run: a$b$c. " + "word " * 60)
    assert figure.get_figheight() > 2.3
    assert figure.get_figwidth() == 3
    assert "a$b$c" in caption_of(figure)
    assert not figure.texts[0].get_parse_math()


def test_the_caption_is_also_a_file_beside_the_pdf(tmp_path):
    figure = new_figure(3, 2)
    figure.subplots()
    add_caption(figure, "Real data. " + "word " * 30)
    save_figure(figure, tmp_path / "fig12.pdf", tmp_path / "fig12.png")
    assert (tmp_path / "fig12.txt").read_text() == caption_of(figure) + "\n"


def test_files_have_the_printed_size_and_the_same_bytes_in_every_process(tmp_path):
    files = []
    for seed in ("1", "2"):
        paths = [tmp_path / f"{seed}.pdf", tmp_path / f"{seed}.png"]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, "-c", DRAW, *map(str, paths)], check=True, env=environment)
        files.append([path.read_bytes() for path in paths])
    assert files[0] == files[1]
    assert files[0][0].startswith(b"%PDF")
    assert b"CreationDate" not in files[0][0]
    assert imread(tmp_path / "1.png").shape[1] == 600


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"a\.jpg"):
        save_figure(new_figure(1, 1), tmp_path / "a.jpg")


def test_a_class_has_one_colour_in_all_datasets_and_its_own_in_each():
    lists = {"a": ["RRab", "EC", "LPV"], "b": ["EC", "Mira", "RRab"], "c": [f"class {i}" for i in range(9)] + ["LPV"]}
    given = class_colours(lists)
    for classes in lists.values():
        assert len({given[name] for name in classes}) == len(classes)
    assert set(given) == {name for classes in lists.values() for name in classes}
    assert len(set(class_colours({"a": [str(i) for i in range(13)]}).values())) == 12


def test_note_names_the_seed():
    assert source_note("demo", ["a"], [], 42) == "Real data. Run: demo, seed 42."
