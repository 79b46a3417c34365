"""The supervisors' pages, in Russian, Kazakh and English."""

from api.web.pages import install, render_problem

__all__ = ["install", "render_problem"]
