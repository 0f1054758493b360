"""From a report to an archival PDF: `render.render_pdf`. The parts, in the order in which they work:

`figures` (which charts a report has), `pages` (templates to HTML), `process` (a child with limits), and in
the child `worker`, `layout`, `fetch`, `polish`. This package imports nothing by itself, so that the child
stays small.
"""
