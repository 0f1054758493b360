"""What WeasyPrint 70 leaves out of a tagged PDF/A-3a, added with pikepdf so that PDF/UA-1 can be claimed too.

Each function does one thing to an open PDF; `polish` calls them in order. Before signing: nothing may touch
the file after that. Pages are treated as pikepdf objects, whose types are dynamic, hence `Any`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pikepdf import Array, Dictionary, Name, Pdf, String

MARKED = re.compile(rb"/(\w+)\s*<<\s*/MCID\s+(\d+)\s*>>\s*BDC")
# PDF/A-3 wants every XMP property described that it does not define itself; pdfuaid:part is such a one.
UA_SCHEMA = b"""<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">
<pdfuaid:part>1</pdfuaid:part></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of ISO 14289 to which the file conforms</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>"""
RDF_END = b"</rdf:RDF>"
SEAL = "Seal"
# Bottom right of the first page, in points, above the edge: the same on A4 and Letter.
SEAL_PLACE = (425, 40, 539, 62)


def polish(pdf: Pdf, labels: Mapping[str, str], seal: str = "") -> None:
    """All of it. `labels` gives the words for each link target's id, `seal` those for the field to sign."""
    margin_boxes_to_artifacts(pdf)
    drop_empty(pdf)
    header_scope_and_ids(pdf)
    describe_links(pdf, labels)
    claim_ua(pdf)
    associate(pdf)
    if seal:
        signature_field(pdf, seal)


def kids(element: Any) -> list[Any]:
    """Children of a structure element as a list, whatever form /K has."""
    k = element.get("/K")
    if k is None:
        return []
    return list(k) if isinstance(k, Array) else [k]


def elements(element: Any, parents: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """All structure elements under one, depth first, each with its ancestors."""
    for kid in kids(element):
        if isinstance(kid, Dictionary) and kid.get("/Type") != Name.OBJR and "/S" in kid:
            yield kid, (*parents, element)
            yield from elements(kid, (*parents, element))


def number_tree(pdf: Pdf) -> dict[int, Any]:
    """The parent tree as a dict: StructParent(s) number -> array or element."""
    nums = pdf.Root.StructTreeRoot.ParentTree.Nums
    return {int(nums[i]): nums[i + 1] for i in range(0, len(nums), 2)}


def margin_boxes_to_artifacts(pdf: Pdf) -> None:
    """Running heads have marked content whose structure elements hang on nothing: make them pagination
    artifacts.
    """
    reached = set()
    for element, _parents in elements(pdf.Root.StructTreeRoot):
        page = element.get("/Pg")
        reached |= {(page.objgen, kid) for kid in kids(element) if isinstance(kid, int)}
    tree = number_tree(pdf)
    for page in pdf.pages:
        stream = page.Contents
        stream.write(MARKED.sub(_artifact_unless(reached, page, tree), stream.read_bytes()))


def _artifact_unless(reached: set[Any], page: Any, tree: dict[int, Any]) -> Any:
    parents, here = tree[int(page.StructParents)], page.objgen

    def swap(match: re.Match[bytes]) -> bytes:
        mcid = int(match[2])
        if (here, mcid) in reached:
            return match[0]
        parents[mcid] = None
        return b"/Artifact <</Type /Pagination>> BDC"

    return swap


def header_scope_and_ids(pdf: Pdf) -> None:
    """TH gets /Scope from where it stands; every ID goes into the IDTree that ISO 32000 asks for."""
    ids = []
    for element, parents in elements(pdf.Root.StructTreeRoot):
        if element.S == Name.TH:
            in_head = any(parent.get("/S") == Name.THead for parent in parents)
            element.A.Scope = Name.Column if in_head else Name.Row
        if "/ID" in element:
            ids.append((bytes(element.ID), element))
    ids.sort(key=lambda pair: pair[0])
    if ids:
        names = Array([item for key, element in ids for item in (String(key), element)])
        leaf = Dictionary(Names=names, Limits=Array([String(ids[0][0]), String(ids[-1][0])]))
        pdf.Root.StructTreeRoot.IDTree = pdf.make_indirect(Dictionary(Kids=Array([pdf.make_indirect(leaf)])))


def drop_empty(pdf: Pdf) -> None:
    """Drawn-only boxes (state marks, blocks of colour) leave elements without content: take them out."""

    def clean(element: Any) -> None:
        if not isinstance(element.get("/K"), Array):
            return
        keep = []
        for kid in element.K:
            if isinstance(kid, Dictionary) and kid.get("/Type") != Name.OBJR:
                clean(kid)
                if kid.get("/S") in (Name.NonStruct, Name.Div, Name.Span) and not kids(kid):
                    continue
            keep.append(kid)
        element.K = Array(keep)

    clean(pdf.Root.StructTreeRoot)


def describe_links(pdf: Pdf, labels: Mapping[str, str]) -> None:
    """WeasyPrint writes the target's id as /Contents of a link; a reader needs words."""
    for page in pdf.pages:
        for note in page.get("/Annots", []):
            if note.Subtype == Name.Link and "/Dest" in note and isinstance(note.Dest, String):
                note.Contents = String(labels.get(str(note.Dest), str(note.Dest)))


def claim_ua(pdf: Pdf) -> None:
    """Put pdfuaid:part, and the extension schema that PDF/A-3 demands for it, into WeasyPrint's one rdf:RDF.

    A second rdf:RDF, which WeasyPrint's own hook for metadata would make, is not read by validators.
    """
    packet = pdf.Root.Metadata.read_bytes()
    if packet.count(RDF_END) != 1:
        raise ValueError("The XMP packet has not exactly one rdf:RDF.")
    pdf.Root.Metadata.write(packet.replace(RDF_END, UA_SCHEMA + RDF_END))


def associate(pdf: Pdf) -> None:
    """Attachments in the order that a name tree needs, and their array where an increment can add to it."""
    tree = pdf.Root.get("/Names", Dictionary()).get("/EmbeddedFiles")
    if tree is None:
        return
    found = {str(tree.Names[n]): tree.Names[n + 1] for n in range(0, len(tree.Names), 2)}
    tree.Names = Array([part for name in sorted(found) for part in (String(name), found[name])])
    pdf.Root.Names.EmbeddedFiles = pdf.make_indirect(tree)
    pdf.Root.AF = pdf.make_indirect(Array([found[name] for name in sorted(found)]))
    if "/Dests" in pdf.Root.Names:  # else each increment would say them again
        pdf.Root.Names.Dests = pdf.make_indirect(pdf.Root.Names.Dests)


def signature_field(pdf: Pdf, words: str) -> None:
    """An empty signature field on the first page, tagged as a Form: sealing then adds nothing to the tags."""
    page, root = pdf.pages[0], pdf.Root.StructTreeRoot
    number = max(number_tree(pdf)) + 1
    left, low, right, high = SEAL_PLACE
    box = Array([0, 0, right - left, high - low])
    empty = pdf.make_stream(b"", Type=Name.XObject, Subtype=Name.Form, BBox=box)
    field = pdf.make_indirect(
        Dictionary(
            Type=Name.Annot,
            Subtype=Name.Widget,
            FT=Name.Sig,
            T=String(SEAL),
            TU=String(words),
            Contents=String(words),
            Rect=Array(list(SEAL_PLACE)),
            F=4,
            P=page.obj,
            AP=Dictionary(N=empty),
            StructParent=number,
        )
    )
    document = root.K[0]
    form = Dictionary(Type=Name.StructElem, S=Name.Form, P=document, Pg=page.obj, Alt=String(words))
    form = pdf.make_indirect(form)
    form.K = Array([Dictionary(Type=Name.OBJR, Obj=field, Pg=page.obj)])
    document.K.append(form)
    root.ParentTree.Nums.extend([number, form])  # type: ignore[list-item]  # a number tree mixes both
    root.ParentTreeNextKey = number + 1
    page.Annots = Array([*page.get("/Annots", []), field])
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]), SigFlags=3)
