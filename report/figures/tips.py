"""What a figure says of a mark under the pointer, and the runs that a click on it leads to."""

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

_GROUP = re.compile(r'<g class="([^"]*?) ?tip-(\d+)"([^>]*)>')
_LINK = re.compile(r'<a xlink:href="#tip-(\d+)"[^>]*>')


class Tips:
    """The texts of a figure's marks: given while drawing, put into the SVG when it is there."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._runs: list[Mapping[str, Any]] = []

    def mark(
        self, text: str, *frameworks: str, runs: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What makes an artist say ``text``, and lead to the runs of this task and method.

        A filter hides it where it is of other ``frameworks``.
        """
        self._texts.append(text)
        self._runs.append(runs or {})
        place = len(self._texts) - 1
        of = " ".join(f"of-{framework}" for framework in frameworks) or "mark"
        layer = f"layer {of} tip-{place}"
        return {"gid": layer} | ({"url": f"#tip-{place}"} if runs else {})

    def into(self, svg: Markup) -> Markup:
        """The SVG with a title in each marked group; with links it is no longer one image."""
        text = _LINK.sub(self._link, _GROUP.sub(self._titled, str(svg)))
        return Markup(text.replace('role="img"', 'role="group"', 1) if "<a " in text else text)

    def _titled(self, found: re.Match[str]) -> str:
        # What is no layer of a framework is never hidden.
        layer = found[1].removeprefix("layer mark")
        title = escape(self._texts[int(found[2])])
        return f'<g class="{layer or "mark"}"{found[3]}><title>{title}</title>'

    def _link(self, found: re.Match[str]) -> str:
        place = int(found[1])
        data = Markup(" ").join(
            Markup('data-{}="{}"').format(key, value) for key, value in self._runs[place].items()
        )
        return str(Markup('<a href="#runs" {} aria-label="{}">').format(data, self._texts[place]))
