"""The sections of the page: each a module, a template of the same name and its place in this list.

A module offers ``content(tables)``, what its template may name, and, where it has figures,
``figures(tables)``: by a key of its own what draws each. The template finds them by these keys
in ``figures``, drawn. ``rows(name)`` and ``command(name)`` of :class:`report.tables.Tables` are
there in every template.
"""

# In the order of the page, with the name in its navigation; the first two stand above all.
SECTIONS = {
    "answers": "",
    "filters": "",
    "matrix": "Matrix",
    "tables": "Tables",
    "curves": "Learning curves",
    "speed": "Speed",
    "sameness": "Same model?",
    "claims": "Claims",
    "published": "Published values",
    "verified": "Verified?",
    "compared": "Side by side",
    "advice": "Which cell?",
    "insides": "Inside the gates",
    "runs": "Runs",
    "methods": "Methods",
}
