"""Parts of a figure that say more when a pointer rests on them."""

from typing import Any

from markupsafe import Markup, escape


def named(artist: Any, says: str, titles: dict[str, str]) -> Any:
    """Let ``artist`` say this; ``titles`` collects what stands behind the names in the SVG."""
    name = f"says-{len(titles)}"
    artist.set_gid(f"layer {name}")
    titles[name] = says
    return artist


def hovered(drawn: Markup, titles: dict[str, str]) -> Markup:
    """The SVG with what its named parts say, which browsers show and screen readers read."""
    text = str(drawn)
    for name, says in titles.items():
        said = f'<g class="says"><title>{escape(says)}</title>'
        text = text.replace(f'<g class="layer {name}">', said)
    return Markup(text)
