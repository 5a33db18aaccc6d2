"""Filling in a page's form as a browser does: what it shows is what is sent back."""

from html.parser import HTMLParser


class FormReader(HTMLParser):
    """Collects the fields of the form with an id, in the way of the HTML standard."""

    def __init__(self, form_id):
        super().__init__()
        self.form_id = form_id
        self.inside = False
        self.values = {}
        self.text_of = None
        self.text = ""
        self.choosing = None

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "form":
            self.inside = attributes.get("id") == self.form_id
        name = attributes.get("name")
        if self.inside and tag == "input" and name:
            self._input(name, attributes)
        elif self.inside and tag == "textarea":
            self.text_of, self.text = name, ""
        elif self.inside and tag == "select":
            self.choosing = name
        elif tag == "option" and self.choosing and "selected" in attributes:
            self.values[self.choosing] = attributes.get("value", "")

    def _input(self, name, attributes):
        kind = attributes.get("type", "text")
        if kind == "submit":
            return
        if kind in ("checkbox", "radio"):
            if "checked" in attributes:
                self.values[name] = attributes.get("value", "on")
            return
        # A line takes no line ends: a browser drops them.
        self.values[name] = (attributes.get("value") or "").replace("\r", "").replace("\n", "")

    def handle_data(self, data):
        if self.text_of:
            self.text += data

    def handle_endtag(self, tag):
        if tag == "textarea" and self.text_of:
            # The first line end belongs to the tag, and those that are sent are CRLF.
            text = self.text.replace("\r\n", "\n").removeprefix("\n")
            self.values[self.text_of] = text.replace("\n", "\r\n")
            self.text_of = None
        elif tag == "select":
            self.choosing = None
        elif tag == "form":
            self.inside = False


def fields_on(answer, form_id):
    """What a browser would send if nobody touched the form."""
    reader = FormReader(form_id)
    reader.feed(answer.content.decode())
    return reader.values
