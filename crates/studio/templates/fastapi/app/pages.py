"""The pages of the site."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """A page: `view` is a file of templates/; its name is `label`, or the label of `text` in content.json."""

    path: str
    view: str
    label: str = ""
    text: str = ""


# In the order of the navigation.
PAGES = [
    Page(path="/", view="home", text="home"),
    Page(path="/about", view="about", text="about"),
    # atelier:routes
]
