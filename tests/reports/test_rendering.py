import hashlib
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pdfua
import pikepdf
import pytest
from pikepdf import Name

from reports.rendering.attachments import Attachment
from reports.rendering.errors import RenderFailed
from reports.rendering.fetch import RefusedAddress, ReportFetcher
from reports.rendering.memory import ran_out
from reports.rendering.pages import initials, lifecycle_page
from reports.rendering.polish import elements
from reports.rendering.process import Job, Limits, _failure, run_job
from reports.rendering.render import render_pdf
from reports.rendering.wording import VERIFY
from tests.reports import story


def tool(name):
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} (poppler-utils) is not installed")
    return path


def run(name, *arguments):
    command = [tool(name), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    extra = Attachment(name="note.txt", content=b"hello", description="A note", relationship="Supplement")
    return render_pdf(story.whole(), out=tmp_path_factory.mktemp("whole") / "report.pdf", attachments=[extra])


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    return render_pdf(story.fresh(), out=tmp_path_factory.mktemp("fresh") / "report.pdf")


# HTML -------------------------------------------------------------------------------------------


class Lines(HTMLParser):
    """The texts of one section, one item for each element that has any."""

    def __init__(self, section):
        super().__init__()
        self.section, self.inside, self.found = section, False, []

    def handle_starttag(self, tag, attrs):
        if tag == "section":
            self.inside = dict(attrs).get("id") == self.section

    def handle_data(self, data):
        if self.inside and data.strip():
            self.found.append(" ".join(data.split()))


def lines(html, section):
    parser = Lines(section)
    parser.feed(html)
    return parser.found


def test_a_bare_project_says_in_each_section_what_is_missing():
    html = lifecycle_page(story.bare()).html

    assert lines(html, "summary")[:3] == [
        "Is it under control?",
        "Nothing runs yet: no iteration has been opened.",
        "There is no iteration to draw yet.",
    ]
    assert lines(html, "deployments") == [
        "Section 2",
        "Authorizations and deployments",
        "Nothing has been authorized or deployed.",
        "Nothing has been deployed.",
    ]
    assert lines(html, "monitoring") == [
        "Section 3",
        "Monitoring and triggers",
        "No live data has been judged yet.",
        "Monitoring begins when a model is in use.",
        "Triggers that fired",
        "No trigger has fired.",
    ]
    assert lines(html, "risks")[2:] == [
        "No risk has been rated yet.",
        "The register is empty: nobody has rated a risk of this project.",
    ]
    assert lines(html, "findings")[2:] == ["No finding has been opened and no waiver granted."]
    assert lines(html, "evidence")[2:] == ["Nothing has been frozen as evidence yet."]


def test_a_fresh_iteration_says_that_nothing_was_trained():
    said = lines(lifecycle_page(story.fresh()).html, "it1")

    assert said[:6] == [
        "Section 2",
        "Iteration 1, open",
        "No task has been begun.",
        "Opened on 20 November 2026 by Marta Lindqvist. It is still open.",
        "Why.",
        "No reason was given.",
    ]
    assert said[-3:] == [
        "Runs",
        "Nothing has been trained or evaluated in this iteration.",
        "No gate has been evaluated in this iteration.",
    ]


def test_a_gate_page_shows_each_criterion_and_each_signature():
    said = lines(lifecycle_page(story.whole()).html, "it1-gate0")
    digest = story.sha("package 1")

    assert said[:5] == [
        "Iteration 1, gate",
        "Gate G4: refused",
        "4 of 5 criteria were not met. 2 of 2 signatures stand.",
        "Release.",
        "May this model go live in the United States and Italy?",
    ]
    at = said.index("ndcg@3 in the weakest month")
    assert said[at : at + 7] == [
        "ndcg@3 in the weakest month",
        'worst("ndcg@3", "month") >= 0.52',
        "December: coupons were counted as demand.",
        "EVR-0041",
        "≥ 0.52",
        "0.41",
        "not met",
    ]
    at = said.index("Helen Brandt")
    assert said[at : at + 6] == [
        "Helen Brandt",
        "risk and compliance",
        "reviewed; rejected",
        "22 May 2026, 14:06:00 UTC",
        "signed in again with password",
        f"{digest[:8]} {digest[8:16]} … {digest[-8:]}",
    ]


def test_every_link_has_a_target_and_words_and_every_picture_is_there():
    page = lifecycle_page(story.whole())
    ids = set(re.findall(r' id="([^"]+)"', page.html))
    targets = set(re.findall(r'href="#([^"]+)"', page.html))

    assert targets <= ids
    assert targets <= set(page.labels)
    assert set(re.findall(r"report:images/([^\"]+)", page.html)) == set(page.images)
    assert 'alt=""' not in page.html


def test_figures_are_numbered_in_reading_order():
    numbers = re.findall(r"Figure (\d+)\.", lifecycle_page(story.whole()).html)

    assert numbers == [str(n) for n in range(1, len(numbers) + 1)]
    assert len(numbers) == 11


def test_names_are_escaped():
    page = lifecycle_page(story.awkward())

    assert "<script>" not in page.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.html


def test_a_long_ledger_is_set_as_lines():
    html = lifecycle_page(story.crowded(tasks_count=3)).html

    assert html.count('<tr id="e') == 0
    assert 'class="lines">      1  2026-' in html


def test_people_have_unique_codes():
    people = tuple(replace(story.PEOPLE[0], key=f"user:{n}") for n in range(3))

    assert list(initials(people).values()) == ["ML", "ML2", "ML3"]


# The PDF, read back -----------------------------------------------------------------------------


def test_the_result_tells_pages_and_digest(whole):
    with pikepdf.open(whole.path) as pdf:
        assert len(pdf.pages) == whole.pages
    assert hashlib.sha256(whole.path.read_bytes()).hexdigest() == whole.sha256
    assert [path.name for path in whole.path.parent.iterdir()] == ["report.pdf"]


def test_poppler_sees_a_tagged_pdf_with_title_and_evidence(whole):
    info = run("pdfinfo", whole.path)

    assert re.search(r"^Tagged: +yes$", info, re.MULTILINE)
    assert re.search(r"^Title: +Lifecycle report: Pizzatron$", info, re.MULTILINE)
    assert re.search(r"^PDF version: +1\.7$", info, re.MULTILINE)
    listed = run("pdfdetach", "-list", whole.path)
    assert "evidence.json" in listed
    assert "note.txt" in listed


def test_the_text_can_be_read_with_page_numbers_in_the_contents(whole):
    text = run("pdftotext", "-layout", whole.path, "-")

    assert "Is it under control?" in text
    assert re.search(r"5 +Monitoring and triggers[ .]+\d+", text)
    for words in ("Helen Brandt", "22 May 2026, 14:06:00 UTC", "AUT-0007", "F-04", "R6-02"):
        assert words in text


def test_it_declares_pdf_a_3a_and_pdf_ua_1(whole):
    with pikepdf.open(whole.path) as pdf:
        xmp = pdf.Root.Metadata.read_bytes().decode()
        meta = pdf.open_metadata()
        assert (meta["pdfaid:part"], meta["pdfaid:conformance"], meta["pdfuaid:part"]) == ("3", "A", "1")
        assert xmp.count("<rdf:RDF") == 1
        assert "pdfaExtension:schemas" in xmp
        assert pdf.Root.Lang == "en"
        assert pdf.Root.MarkInfo.Marked
        assert pdf.Root.ViewerPreferences.DisplayDocTitle
        assert pdf.Root.OutputIntents[0].S == Name.GTS_PDFA1
        assert "/JavaScript" not in pdf.Root.Names


def test_every_font_is_embedded_with_its_unicode_map(whole):
    seen = set()
    with pikepdf.open(whole.path) as pdf:
        for page in pdf.pages:
            for font in page.Resources.get("/Font", {}).values():
                descendant = font.DescendantFonts[0]
                seen.add(str(font.BaseFont).split("+")[1])
                assert "/ToUnicode" in font
                assert any(key in descendant.FontDescriptor for key in ("/FontFile2", "/FontFile3"))
    assert {"Source-Sans-Pro", "Source-Serif-Pro", "Source-Code-Pro"} <= seen


def test_attachments_are_associated_with_dates_of_the_report(whole):
    with pikepdf.open(whole.path) as pdf:
        files = {str(spec.UF): spec for spec in pdf.Root.AF}
        assert set(files) == {"evidence.json", "note.txt"}
        assert files["evidence.json"].AFRelationship == Name.Data
        assert files["note.txt"].AFRelationship == Name.Supplement
        embedded = files["evidence.json"].EF.F
        assert str(embedded.Params.ModDate).startswith("D:20261120180500")
        assert json.loads(embedded.read_bytes())["report"] == "LR-2026-0147"


def test_figures_have_words_headers_have_scope_and_links_say_where_they_go(whole):
    with pikepdf.open(whole.path) as pdf:
        found = [element for element, _parents in elements(pdf.Root.StructTreeRoot)]
        figures = [element for element in found if Name.Figure == element.S]
        headers = [element for element in found if element.S == Name.TH]
        links = [note for page in pdf.pages for note in page.get("/Annots", []) if note.Subtype == Name.Link]
        assert len(figures) >= 15
        assert all(str(figure.get("/Alt", "")) for figure in figures)
        assert headers
        assert all(header.A.Scope in (Name.Row, Name.Column) for header in headers)
        assert links
        assert all(not re.fullmatch(r"[a-z0-9-]+", str(link.Contents)) for link in links)


def test_a_second_opinion_finds_nothing_against_pdf_ua(whole):
    # The rule on headings stumbles over arrays of numbers in /A; all other rules must have run.
    report = pdfua.validate(str(whole.path))

    assert [str(finding) for finding in report.findings] == []
    assert {outcome.rule_id for outcome in report.outcomes if outcome.skipped_reason} <= {"UA-14-001"}


def test_the_printed_lines_prove_every_entry_and_notice_a_forgery(whole, tmp_path):
    with pikepdf.open(whole.path) as pdf:
        evidence = pdf.attachments["evidence.json"].get_file().read_bytes()
    command = [sys.executable, "-I", "-c", VERIFY]

    (tmp_path / "evidence.json").write_bytes(evidence)
    good = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    forged = json.loads(evidence)
    forged["ledger"]["entries"][4]["leaf_hash"] = "0" * 64
    (tmp_path / "evidence.json").write_text(json.dumps(forged))
    bad = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert good.stdout == f"30 entries lie under root {story.whole().ledger.root}\n"
    assert bad.returncode == 1
    assert "AssertionError: 5" in bad.stderr


def test_equal_reports_give_equal_bytes(fresh, tmp_path):
    again = render_pdf(story.fresh(), out=tmp_path / "again.pdf")

    assert again.path.read_bytes() == fresh.path.read_bytes()
    assert again.sha256 == fresh.sha256


def test_another_moment_gives_other_bytes(fresh, tmp_path):
    later = replace(story.fresh(), as_of=story.at("2026-12-01"))

    assert render_pdf(later, out=tmp_path / "later.pdf").sha256 != fresh.sha256


def test_the_barest_project_has_a_report(tmp_path):
    done = render_pdf(story.bare(), out=tmp_path / "new folder" / "bare.pdf")

    assert done.pages >= 4


def test_awkward_names_stay_on_the_page(tmp_path):
    done = render_pdf(story.awkward(), out=tmp_path / "awkward.pdf")
    boxes = run("pdftotext", "-bbox", "-f", "2", done.path, "-")
    edges = [float(x) for x in re.findall(r'xMax="([\d.]+)"', boxes)]

    assert len(edges) > 1000
    assert max(edges) <= 190 / 25.4 * 72 + 1


# What must not happen ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "http://127.0.0.1:1/x.svg",
        "https://example.org/x.svg",
        "data:image/svg+xml,<svg/>",
        "report:css/app.css",
        "report:css/../../config/settings.py",
        "report:fonts/../secret_key",
        "report:images/other.svg",
        "report:",
        "",
    ],
)
def test_the_fetcher_refuses_what_is_not_the_reports_own(address):
    with pytest.raises(RefusedAddress):
        ReportFetcher({}).fetch(address)


def test_the_fetcher_serves_styles_fonts_and_the_pictures_at_hand(tmp_path):
    (tmp_path / "x.svg").write_text("<svg/>")
    fetcher = ReportFetcher({"x.svg": tmp_path / "x.svg"})

    assert b"--ink" in fetcher.fetch("report:css/tokens.css").read()
    assert fetcher.fetch("report:fonts/sans-400").read()[:4] == b"\0\1\0\0"
    assert fetcher.fetch("report:images/x.svg").read() == b"<svg/>"


def job(html, **changes):
    facts = {"identifier": "x", "moment": story.AS_OF, "images": {}, "labels": {}}
    return Job(html=f"<html lang=en><title>x</title>{html}", **(facts | changes))


@pytest.mark.parametrize(
    "html",
    [
        "<img src='file:///etc/passwd' alt=x>",
        "<img src='http://127.0.0.1:1/' alt=x>",
        "<link rel=stylesheet href='/etc/passwd'>",
        "<style>@import url(file:///etc/passwd);</style>",
        "<p style='background: url(https://example.org/)'>x",
    ],
)
def test_a_page_that_asks_for_more_is_not_rendered(html, tmp_path):
    target = tmp_path / "out.pdf"

    with pytest.raises(RenderFailed) as no:
        run_job(job(html), target=target, limits=Limits())

    assert no.value.code == "refused_address"
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_takes_too_long_is_ended_and_leaves_the_old_file(tmp_path):
    target = tmp_path / "out.pdf"
    target.write_bytes(b"old")

    with pytest.raises(RenderFailed, match=r"within 0\.3 seconds") as no:
        run_job(job("<p>x"), target=target, limits=Limits(seconds=0.3))

    assert no.value.code == "timeout"
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_report_that_needs_too_much_memory_says_so(tmp_path):
    with pytest.raises(RenderFailed, match="20 MiB") as no:
        run_job(job("<p>x" * 20000), target=tmp_path / "out.pdf", limits=Limits(memory_mib=20))

    assert no.value.code == "memory"
    assert list(tmp_path.iterdir()) == []


def test_a_small_report_needs_little_memory_beside_the_renderers_own(tmp_path):
    assert run_job(job("<p>x"), target=tmp_path / "out.pdf", limits=Limits(memory_mib=20)) == 1


def test_one_great_piece_that_the_kernel_refuses_is_too_much_memory():
    script = (
        "from reports.rendering import memory\n"
        "budget = memory.Budget(memory.MEBI)\n"
        "try:\n"
        "    bytearray(4 * memory.HEADROOM)\n"
        "except BaseException as problem:\n"
        "    print(memory.ran_out(problem), budget.spent())\n"
    )

    command = [sys.executable, "-c", script]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "True False\n"


@pytest.mark.parametrize(
    ("problem", "memory"),
    [
        (MemoryError(), True),
        (SystemError("<built-in function exec> returned NULL without setting an exception"), True),
        (SystemError("error return without exception set"), True),
        (SystemError("bad argument to internal function"), False),
        (ValueError("without"), False),
    ],
)
def test_a_lost_error_of_python_is_taken_for_want_of_memory(problem, memory):
    assert ran_out(problem) is memory


@pytest.mark.parametrize(
    ("code", "errors", "kind"),
    [
        (-9, "", "memory"),
        (-6, "terminate called after throwing an instance of 'std::bad_alloc'", "memory"),
        (-5, "GLib-ERROR **: gmem.c:136: failed to allocate 96 bytes", "memory"),
        (-11, "", "crashed"),
        (1, "ImportError: no such module", "crashed"),
    ],
)
def test_how_a_child_died_tells_whether_memory_was_out(code, errors, kind):
    assert _failure({"step": "write"}, code, errors, Limits()).code == kind


def test_progress_rises_to_the_end_and_may_cancel(tmp_path):
    steps = []

    class Cancelled(Exception):
        pass

    def note(fraction, text):
        steps.append((fraction, text))

    def cancel(fraction, text):
        if fraction > 0:
            raise Cancelled

    run_job(job("<p>x"), target=tmp_path / "done.pdf", limits=Limits(), progress=note)
    with pytest.raises(Cancelled):
        run_job(job("<p>x"), target=tmp_path / "never.pdf", limits=Limits(), progress=cancel)

    assert [fraction for fraction, _text in steps] == sorted(fraction for fraction, _text in steps)
    assert steps[-1][1] == "Completing tags and metadata"
    assert [path.name for path in tmp_path.iterdir()] == ["done.pdf"]


def test_the_child_gets_no_secrets(monkeypatch):
    from reports.rendering.process import _environment

    monkeypatch.setenv("SECRET_KEY", "x")
    monkeypatch.setenv("DATABASE_URL", "postgres://a:b@c/d")

    assert not {"SECRET_KEY", "DATABASE_URL"} & set(_environment(story.AS_OF))
