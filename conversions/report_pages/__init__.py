"""Reports as HTML pages: the page and its figures."""
