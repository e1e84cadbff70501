"""What comes in, the one description, and what runs it."""

from ssdp_neuro import plot

ROWS = (
    ("what you have", ["PyTorch model", "NIR file", "netx file", "Lava program"]),
    ("conversions", ["one frozen integer description: FixedPointNetwork"]),
    ("executors, equal in every bit", ["engine, fast", "oracle, plain", "Lava"]),
)
BLUE, VERMILION, GREEN = "#0072b2", "#d55e00", "#009e73"


def draw():
    figure = plot.new_figure(4.8, 2.9)
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 3.1))
    axes.axis("off")
    for level, ((title, boxes), colour) in enumerate(
        zip(ROWS, (BLUE, VERMILION, GREEN), strict=True)
    ):
        y = 2.4 - 1.1 * level
        axes.text(0.005, y + 0.36, title, fontsize=9, va="bottom")
        width = 1 / len(boxes)
        for place, text in enumerate(boxes):
            axes.text(
                (place + 0.5) * width, y + 0.1, text, ha="center", va="center", fontsize=9,
            )  # fmt: skip
            axes.plot(
                [place * width + 0.01, (place + 1) * width - 0.01, (place + 1) * width - 0.01]
                + [place * width + 0.01] * 2,
                [y - 0.12, y - 0.12, y + 0.32, y + 0.32, y - 0.12],
                color=colour,
            )
        if level < 2:
            axes.annotate(
                "",
                (0.5, y - 0.62),
                (0.5, y - 0.18),
                arrowprops={"arrowstyle": "->", "color": "#7a7a7a"},
            )
    return figure
