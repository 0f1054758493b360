"""OSCAL documents as others publish them, small."""

CATALOG = {
    "catalog": {
        "uuid": "6f2d6e4c-6c0b-4a83-9a53-1d1d6f0a1c11",
        "metadata": {
            "title": "Controls of the Example Agency",
            "last-modified": "2026-02-13T17:43:40.746430Z",
            "version": "5.1.1+u4",
            "oscal-version": "1.1.3",
            "roles": [{"id": "creator", "title": "Document creator"}],
            "parties": [
                {
                    "uuid": "0f4fbb09-4b1f-4a2a-9b1c-0c4a1d3f2a01", "type": "organization",
                    "name": "Example Agency", "email-addresses": ["controls@example.org"],
                }
            ],
            "responsible-parties": [
                {"role-id": "creator", "party-uuids": ["0f4fbb09-4b1f-4a2a-9b1c-0c4a1d3f2a01"]}
            ],
        },
        "groups": [
            {
                "id": "technical", "title": "Technical",
                "groups": [
                    {
                        "id": "ac", "class": "family", "title": "Access Control",
                        "controls": [
                            {
                                "id": "ac-2", "class": "EX800", "title": "Accounts",
                                "params": [
                                    {"id": "ac-02_odp.01", "label": "roles",
                                     "guidelines": [{"prose": "who approves"}]},
                                    {
                                        "id": "ac-02_odp.02",
                                        "select": {
                                            "how-many": "one-or-more",
                                            "choice": ["at once", "within {{ insert: param, ac-02_odp.03 }}"],
                                        },
                                    },
                                    {"id": "ac-02_odp.03", "values": ["30 days"]},
                                ],
                                "props": [
                                    {"name": "label", "value": "AC-02", "class": "zero-padded"},
                                    {"name": "label", "value": "AC-2"},
                                    {"name": "sort-id", "value": "ac-02"},
                                    {"name": "level", "ns": "http://example.org/ns", "value": "organization"},
                                ],
                                "links": [
                                    {"href": "#9d3c1c0e-33d7-4b6c-9e0d-5f7c0b6b5b11", "rel": "reference"},
                                    {"href": "#ac-99", "rel": "related"},
                                ],
                                "parts": [
                                    {
                                        "id": "ac-2_smt", "name": "statement",
                                        "prose": "Accounts are kept in order:",
                                        "parts": [
                                            {
                                                "id": "ac-2_smt.a", "name": "item",
                                                "props": [{"name": "label", "value": "a."}],
                                                "prose": "{{ insert: param, ac-02_odp.01 }} approve them;",
                                            },
                                            {
                                                "id": "ac-2_smt.b", "name": "item",
                                                "props": [{"name": "label", "value": "b."}],
                                                "prose": "they end {{ insert: param, ac-02_odp.02 }}.",
                                            },
                                        ],
                                    },
                                    {"id": "ac-2_gdn", "name": "guidance", "prose": "Think of guests."},
                                ],
                                "controls": [
                                    {
                                        "id": "ac-2.1", "title": "Automation",
                                        "props": [{"name": "label", "value": "AC-2(1)"}],
                                        "links": [{"href": "#ac-2", "rel": "required"}],
                                        "parts": [
                                            {"id": "ac-2.1_smt", "name": "statement",
                                             "prose": "Software does it."}
                                        ],
                                    },
                                    {
                                        "id": "ac-2.10", "title": "Shared accounts",
                                        "props": [
                                            {"name": "label", "value": "AC-2(10)"},
                                            {"name": "status", "value": "withdrawn"},
                                        ],
                                        "links": [{"href": "#ac-2_smt.b", "rel": "incorporated-into"}],
                                    },
                                ],
                            }
                        ],
                    }
                ],
            }
        ],
        "back-matter": {
            "resources": [
                {
                    "uuid": "9d3c1c0e-33d7-4b6c-9e0d-5f7c0b6b5b11", "title": "On accounts",
                    "rlinks": [{"href": "https://example.org/accounts"}],
                }
            ]
        },
    }
}  # fmt: skip


def profile(*imports, modify=None, **changes):
    """A profile that imports from frameworks."""
    return {
        "profile": {
            "uuid": "d6c2a0d0-58a3-4f35-9f0b-33d55b4b1a01",
            "metadata": {
                "title": "Our baseline", "version": "1", "last-modified": "2026-03-01T10:00:00Z",
                "oscal-version": "1.1.3", **changes,
            },
            "imports": list(imports),
            **({} if modify is None else {"modify": modify}),
        }
    }  # fmt: skip
