"""The views of the page: each a question, and the sections that answer it."""

from dataclasses import dataclass

from report.tables import Tables


@dataclass(frozen=True)
class View:
    """A screen of the page: its name in the navigation, its question, and its sections in order.

    A view with ``needs`` is there only where one of these tables has rows, or is a comparison
    that was asked for.
    """

    title: str
    question: str
    sections: tuple[str, ...]
    needs: tuple[str, ...] = ()

    def there(self, tables: Tables) -> bool:
        """Whether the page of these tables has this view."""
        asked = any(tables.beside.get(name, ("missing",))[0] != "missing" for name in self.needs)
        return not self.needs or asked or any(len(tables[name]) for name in self.needs)


# In the order of the navigation. A section whose name is a view's own begins it.
VIEWS = {
    "overview": View("Overview", "What came out?", ("overview",)),
    "accuracy": View(
        "Accuracy", "Which cell should I choose for a task like mine?",
        ("accuracy", "matrix", "curves", "samples", "advice"),
    ),
    "changes": View(
        "Which gate?", "Which gate matters, and does a simpler cell do as well?",
        ("changes",), ("changes",),
    ),
    "speed": View(
        "Speed", "Which framework trains fastest, and how far is that from the hardware?",
        ("speed",),
    ),
    "same": View(
        "Same model?", "If I port or upgrade a model, do I get the same results?",
        ("sameness", "versions"),
    ),
    "claims": View("Claims", "Do the published claims hold?", ("claims",)),
    "inside": View("Inside the gates", "What do the gates do?", ("insides",)),
    "published": View(
        "Published", "Do we get the published values?", ("published",), ("published",)
    ),
    "verify": View("Verify", "Do these runs agree with the reference?", ("verified",), ("verify",)),
    "compare": View("Compare", "How do two folders differ?", ("compared",), ("compare",)),
    "runs": View("Runs and data", "What was run, and where are the numbers?", ("runs", "tables")),
    "methods": View("Methods", "How was it done, and what do the words mean?", ("methods",)),
}  # fmt: skip
# Where the addresses of what this page does not have lead: older ones, and views that it lacks.
ALIASES = {
    "answers": "overview", "filters": "accuracy", "problems": "failed", "verify": "beyond",
    "verified": "beyond", "compare": "beyond", "compared": "beyond", "published": "beyond",
    "changes": "accuracy",
}  # fmt: skip
