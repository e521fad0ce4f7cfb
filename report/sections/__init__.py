"""The sections of the page's views: each a template and mostly a module of the same name.

The module offers ``content(tables)``, what its template may name, and, where it has figures,
``figures(tables)``: by a key of its own what draws each. The template finds them by these keys in
``figures``, drawn. ``rows(name)``, ``command(name)`` and ``missing`` of
:class:`report.tables.Tables` and the macros of ``macros.html`` are there in every template.
"""
