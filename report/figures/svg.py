"""From a matplotlib figure to an SVG that takes the page's own colours, light or dark."""

import base64
import io
import re

import matplotlib.pyplot as plt
import seaborn as sns
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from PIL import Image

from report.figures.style import COLOURS, INK, PAGE, variable

# A line of more points than these needs them less finely.
FEW_POINTS = 8


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
    text = _small(re.sub(r"\n\s*", "\n", text))
    # Letters need more contrast than lines, and the page's own typeface.
    text = re.sub(r"(<text[^>]*fill: var\(--)colour", r"\1text", text)
    text = re.sub(r" font-family: [^;\"]*;", "", text)
    # A layer is a class, which many may have; what nothing refers to needs no name.
    text = re.sub(r'id="layer ([^"]*)"', r'class="layer \1"', text)
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', text))
    text = re.sub(r' id="([^"]*)"', lambda name: name.group() if name[1] in used else "", text)
    head, rest = text.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    room = f'style="--wide: {wide:.2f}" ' if wide > 1 else ""
    return Markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" {box.group() if box else ""} role="img" '
        f'{room}aria-label="{escape(title)}" stroke-linejoin="round" stroke-linecap="butt" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink">{rest}'
    )


def _small(text: str) -> str:
    """The drawing without what nobody sees: invisible paths, turns by nothing, very fine places."""
    text = re.sub(
        r'<path d="[^"]*" style="fill: none"/>\n|<g/>\n| transform="rotate\(-0 [^"]*"', "", text
    )
    text = re.sub(r"<g>\n</g>\n", "", text)
    # As fine as a screen can show; a mark is small and has few points.
    text = re.sub(r' (?:d|x|y)="[^"]*"', _coarse, text)
    # What all marks of a series share stands once.
    return _IMAGE.sub(_indexed, _SERIES.sub(_shared, text))


_SERIES = re.compile(r'<use [^>]*(style="[^"]*")/>\n(?:<use [^>]*\1/>\n)+')

_IMAGE = re.compile(r"(?<=data:image/png;base64,)[^\"]+")


def _indexed(found: re.Match[str]) -> str:
    """A picture of few colours by their places in a list of them, a third as large."""
    image = Image.open(io.BytesIO(base64.b64decode(found.group()))).convert("RGBA")
    if not image.getcolors(256) or image.getchannel("A").getextrema() != (255, 255):
        return found.group()
    drawn = io.BytesIO()
    image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(drawn, "png", optimize=True)
    return base64.b64encode(drawn.getvalue()).decode()


def _shared(found: re.Match[str]) -> str:
    return f"<g {found[1]}>\n{found.group().replace(f' {found[1]}', '')}</g>\n"


def _coarse(found: re.Match[str]) -> str:
    text = found.group()
    digits = 1 if text.count("L") > FEW_POINTS else 2
    text = re.sub(rf"(?<=[.]\d{{{digits}}})\d+", "", text)
    return re.sub(r" ?\n?([MLCQz]) ?", r"\1", text).replace('\n"', '"')
