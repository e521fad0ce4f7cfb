"""The sections of the page: each a template, its place in this list and mostly a module.

The module, of the same name, offers ``content(tables)``, what its template may name, and, where it
has figures, ``figures(tables)``: by a key of its own what draws each. The template finds them by
these keys in ``figures``, drawn. ``rows(name)``, ``command(name)`` and ``missing`` of
:class:`report.tables.Tables` are there in every template.
"""

# In the order of the page: heading, and name in its navigation; the first two stand above all.
SECTIONS = {
    "answers": ("What came out", ""),
    "filters": ("", ""),
    "matrix": ("Matrix", "Matrix"),
    "tables": ("Tables", "Tables"),
    "curves": ("Learning curves", "Learning curves"),
    "speed": ("Speed", "Speed"),
    "sameness": ("Same model?", "Same model?"),
    "claims": ("Do the claims hold?", "Claims"),
    "published": ("Published values", "Published values"),
    "verified": ("Verified?", "Verified?"),
    "compared": ("Side by side", "Side by side"),
    "advice": ("Advice", "Which cell?"),
    "insides": ("Inside the gates", "Inside the gates"),
    "runs": ("Runs", "Runs"),
    "methods": ("Methods", "Methods"),
}
