"""From a matplotlib figure to an SVG that takes the page's own colours, light or dark."""

import io
import re

import matplotlib.pyplot as plt
import seaborn as sns
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from report.figures.style import COLOURS, INK, PAGE, variable


def svg(figure: Figure, title: str, tight: bool = True, close: bool = True) -> Markup:
    """The figure as an inline SVG of fluid width, with its title for screen readers.

    ``tight`` cuts it to what is drawn, which takes as long as drawing it.
    """
    sns.despine(figure)
    wide = figure.get_figwidth() / PAGE
    buffer = io.StringIO()
    cut = "tight" if tight else None
    figure.savefig(buffer, format="svg", bbox_inches=cut, metadata={"Date": None})
    if close:
        plt.close(figure)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    for colour in COLOURS:
        text = text.replace(colour, variable(colour))
    # Its own style rule would hold for the whole page; as attributes it stays inside.
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    # Coordinates as fine as a screen can show.
    text = re.sub(r' (?:d|x|y)="[^"]*"', lambda c: re.sub(r"(?<=[.]\d\d)\d+", "", c.group()), text)
    text = re.sub(r"\n\s*", "\n", text)
    # Letters need more contrast than lines, and the page's own typeface.
    text = re.sub(r"(<text[^>]*fill: var\(--)colour", r"\1text", text)
    text = re.sub(r" font-family: [^;\"]*;", "", text)
    # A layer is a class, which many may have; what nothing refers to needs no name.
    text = re.sub(r'id="layer ([^"]*)"', r'class="layer \1"', text)
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', text))
    text = re.sub(r' id="([^"]*)"', lambda name: name.group() if name[1] in used else "", text)
    head, rest = text.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    room = f'style="min-width: {100 * wide:.0f}%" ' if wide > 1 else ""
    return Markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" {box.group() if box else ""} role="img" '
        f'{room}aria-label="{escape(title)}" stroke-linejoin="round" stroke-linecap="butt" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink">{rest}'
    )
