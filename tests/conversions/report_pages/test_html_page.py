from conversions.report_pages.html_page import figure, page, paragraphs, table, write_page


def test_page__escapes_what_is_text(tmp_path):
    sections = [("<h>", table([("a<b", "c&d"), ("1", "2")]) + paragraphs(["x > y"]))]
    document = page("<title>", sections)
    assert "<title>&lt;title&gt;</title>" in document
    assert "<h2>&lt;h&gt;</h2>" in document
    assert "<th>a&lt;b</th><" not in document  # one cell per line
    assert "<th>a&lt;b</th>" in document
    assert "<td>1</td><td>2</td>" in document
    assert "<p>x &gt; y</p>" in document
    write_page(tmp_path / "page.html", document)
    assert (tmp_path / "page.html").read_text() == document


def test_figure__keeps_the_drawing_and_drops_what_is_before_it():
    assert figure("<?xml ?><svg>x</svg>", "a & b") == (
        "<figure><svg>x</svg><figcaption>a &amp; b</figcaption></figure>"
    )
