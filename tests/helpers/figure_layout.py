"""What a referee checks first: nothing cut, nothing overlapping, nothing empty."""

import itertools

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox


def drawn_texts(figure: Figure) -> dict[str, list[Bbox]]:
    """Draw the figure; give the boxes of its visible texts, in pixels, by their content."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    ticks = [tick for axis in _axes(figure) for side in (axis.xaxis, axis.yaxis) for tick in _ticks(side)]
    of_ticks = {id(text) for _, _, texts in ticks for text in texts}
    shown = [text for visible, _, texts in ticks if visible for text in texts]
    shown += [text for text in figure.findobj(Text) if id(text) not in of_ticks]
    boxes: dict[str, list[Bbox]] = {}
    for text in shown:
        if text.get_visible() and text.get_text().strip():
            boxes.setdefault(text.get_text(), []).append(Text.get_window_extent(text, renderer))
    return boxes


def assert_publishable(figure: Figure) -> dict[str, list[Bbox]]:
    """Check that text lies inside the figure, apart, and is 7 pt or larger, that no panel is empty, and the caption."""
    boxes = drawn_texts(figure)
    placed = [(content, box) for content, several in boxes.items() for box in several]
    width, height = figure.canvas.get_width_height()
    for content, box in placed:
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        assert inside, f"{content!r} is cut: {box} in {width} x {height}"
    for (first, a), (second, b) in itertools.combinations(placed, 2):
        # Boxes hold the line's full height; letters fill about four fifths of it.
        overlap = Bbox.intersection(a.shrunk(0.98, 0.8), b.shrunk(0.98, 0.8)) if a.overlaps(b) else None
        assert overlap is None or overlap.width * overlap.height == 0, f"{first!r} and {second!r} overlap"
    for text in figure.findobj(Text):
        assert text.get_size() >= 7 or not text.get_text().strip(), f"{text.get_text()!r} is smaller than 7 pt"
    for axis in figure.axes:
        assert axis.has_data() or empty_note(axis), "a panel is empty and does not say why"
    assert caption_of(figure)
    return boxes


def empty_note(axis: Axes) -> str:
    """What an empty panel says."""
    return " ".join(" ".join(text.get_text().split()) for text in axis.texts if text.get_gid() == "empty")


def caption_of(figure: Figure) -> str:
    (caption,) = [text for text in figure.texts if text.get_gid() == "caption"]
    return " ".join(caption.get_text().split())


def _axes(figure: Figure) -> list[Axes]:
    return [axis for axis in figure.findobj(Axes) if axis.get_visible()]


def _ticks(side):
    low, high = sorted(side.get_view_interval())
    for tick in [*side.get_major_ticks(), *side.get_minor_ticks()]:
        yield low <= tick.get_loc() <= high and side.get_visible(), tick, (tick.label1, tick.label2)
