import datetime as dt
import re
from pathlib import Path

import pytest
from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.template import engines
from django.test import RequestFactory

from ledger.states import MACHINES
from lifecycle.models import Handoff
from lifecycle.templatetags.states import IDLE, LOOKS, look_of, state_of
from tests import make

CSS = Path(settings.BASE_DIR) / "static" / "css"
TEMPLATES = Path(settings.BASE_DIR) / "templates"


def render(text, **context):
    return (
        engines["django"]
        .from_string("{% load gatebook %}" + text)
        .render(context, RequestFactory().get("/?a=1"))
    )


def test_every_state_of_every_machine_has_a_look_of_its_own():
    known = {word for words in LOOKS.values() for word in words.split()}
    missing = {
        f"{machine.name}.{state}"
        for machine in MACHINES.values()
        for state in machine.states
        if state not in known and look_of(state, machine.name.replace(" ", "")) is IDLE
    }

    assert missing == set()


def test_no_state_stands_in_the_table_twice():
    words = [word for group in LOOKS.values() for word in group.split()]

    assert len(words) == len(set(words))


def test_an_unknown_state_still_shows_its_word():
    assert "Never heard of" in render("{% state 'never_heard_of' %}")


def test_a_record_shows_its_own_word():
    assert state_of(Handoff(state="offered")) == ("handoff", "offered", "Offered")


def test_a_word_can_mean_something_else_on_another_record():
    assert look_of("open", "finding").css == "is-warn"
    assert look_of("open", "gate").css == "is-now"


def test_components_escape_what_people_wrote():
    html = render(
        "{% person name %}{% state name %}{% digest name %}{% panel name note=name %}{{ name }}{% endpanel %}"
        "{% empty name name %}{% crumbs name name name %}{% verdict 'ok' name name %}",
        name="<script>alert(1)</script>",
    )

    assert "<script" not in html


@pytest.mark.django_db
def test_a_person_is_marked_when_it_is_the_reader():
    person, other = make.user(name="Marta Ibsen"), make.user(name="Jonas Lind")

    assert "who--me" in render("{% person person me=person %}", person=person)
    assert "who--me" not in render("{% person person me=other %}", person=person, other=other)
    assert "nobody" in render("{% person None %}")


def test_a_digest_is_short_with_the_whole_one_click_away():
    html = render("{% digest value %}", value="ab12" * 16)

    assert f'title="{"ab12" * 16}"' in html
    assert "<b>ab12</b>ab12ab12<" in html
    assert "none" in render("{% digest '' %}")


def test_a_moment_is_written_in_utc():
    zone = dt.timezone(dt.timedelta(hours=2))
    html = render("{% when moment %}", moment=dt.datetime(2020, 11, 16, 18, 5, tzinfo=zone))

    assert (
        html
        == '<time datetime="2020-11-16T16:05:00Z" title="2020-11-16 16:05:00 UTC">16 Nov 2020 16:05</time>'
    )
    assert "never" in render("{% when None %}")


@pytest.mark.parametrize(("days", "css"), [(9, "is-idle"), (1, "is-warn"), (-1, "is-bad")])
def test_a_due_date_warns_two_days_before(days, css):
    assert css in render("{% due day %}", day=dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days))


def test_numbers_are_grouped_with_a_narrow_space():
    assert render("{{ n|thin }}", n=1844211) == "1\u202f844\u202f211"
    assert render("{{ n|sig }}", n=0.66421) == "0.664"
    assert render("{{ n|sig }}", n=None) == "none"


def test_a_field_names_its_help_and_error():
    class Form(forms.Form):
        name = forms.CharField(help_text="As in the report.")

    html = render("{% field form.name %}", form=Form({"name": ""}))

    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_helptext"' in html
    assert 'id="id_name_error"' in html
    assert 'aria-invalid="true"' in html


def test_pages_keep_the_rest_of_the_address():
    html = render("{% pagination page %}", page=Paginator(range(50), 20).get_page(2))

    assert "?a=1&amp;page=1" in html
    assert "?a=1&amp;page=3" in html
    assert "21 to 40 of 50" in html


def test_a_tab_without_an_address_vanishes():
    assert "<a" not in render("{% tab 'Nowhere' 'lifecycle:nowhere' %}")
    assert 'href="/design/"' in render("{% tab 'Here' 'lifecycle:nowhere|lifecycle:design' %}")


def test_the_dark_values_are_written_twice_and_equal():
    dark = re.findall(r"color-scheme: dark;(.*?)\}", (CSS / "tokens.css").read_text(), re.DOTALL)

    assert len(dark) == 2
    assert dark[0].split() == dark[1].split()


def test_no_style_sheet_but_the_tokens_names_a_colour():
    for sheet in CSS.glob("*.css"):
        if sheet.name != "tokens.css":
            text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
            assert not re.findall(r"#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(", text), sheet.name


def test_no_template_of_a_page_has_inline_style_or_script():
    for path in TEMPLATES.rglob("*.html"):
        if "reports" not in path.relative_to(TEMPLATES).parts:
            text = re.sub(r"\{[%{#].*?[%}#]\}", "", path.read_text())
            assert not re.findall(r'\sstyle="|<style|\son\w+="|hx-on|<script(?![^>]*\ssrc=)', text), path
