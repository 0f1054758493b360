"""Every id that a framework has, as its issuer numbers it, written apart from the files that are tested."""


def words(text):
    return text.split()


AI_ACT = words(
    """
    4 4a(1) 5 6 6(3) 8 9(1) 9(2) 9(2)(a) 9(2)(b) 9(2)(c) 9(2)(d) 9(4) 9(5) 9(6) 9(7) 9(8) 9(9) 9(10) 10(1)
    10(2)(a) 10(2)(b) 10(2)(c) 10(2)(d) 10(2)(e) 10(2)(f) 10(2)(g) 10(2)(h) 10(3) 10(4) 10(6) 11(1) 11(2)
    12(1) 12(2) 12(3) 13(1) 13(2) 13(3)(a) 13(3)(b) 13(3)(c) 13(3)(d) 13(3)(e) 13(3)(f) 14(1) 14(2) 14(3)
    14(4)(a) 14(4)(b) 14(4)(c) 14(4)(d) 14(4)(e) 14(5) 15(1) 15(2) 15(3) 15(4) 15(5) 16 17(1)(a) 17(1)(b)
    17(1)(c) 17(1)(d) 17(1)(e) 17(1)(f) 17(1)(g) 17(1)(h) 17(1)(i) 17(1)(j) 17(1)(k) 17(1)(l) 17(1)(m) 17(2)
    18 19 20(1) 20(2) 21 25(1) 25(2) 25(4) 26(1) 26(2) 26(4) 26(5) 26(6) 26(7) 26(8) 26(9) 26(10) 26(11)
    26(12) 27(1) 27(2) 27(3) 27(4) 27(5) 42(3) 43(1) 43(2) 43(3) 43(4) 47 48 49(1) 49(2) 49(3) 49(4) 49(5) 50
    51-55 72(1) 72(2) 72(3) 72(4) 73(1) 73(2) 73(3) 73(4) 73(5) 73(6) 75(1a) 86 99
    """
)

ANNEX_IV = words(
    """
    1(a) 1(b) 1(c) 1(d) 1(e) 1(f) 1(g) 1(h) 2(a) 2(b) 2(c) 2(d) 2(e) 2(f) 2(g) 2(h) 3 4 5 6 7 8 9
    """
)

# How many subcategories each category of NIST AI RMF 1.0 has: 4 functions, 19 categories, 72 subcategories.
AI_RMF = {
    "GOVERN": (7, 3, 2, 3, 2, 2),
    "MAP": (6, 3, 5, 2, 2),
    "MEASURE": (3, 13, 3, 3),
    "MANAGE": (4, 4, 2, 3),
}

ISO_42001_CLAUSES = words(
    """
    4.1 4.2 4.3 4.4 5.1 5.2 5.3 6.1.1 6.1.2 6.1.3 6.1.4 6.2 6.3 7.1 7.2 7.3 7.4 7.5.1 7.5.2 7.5.3 8.1 8.2 8.3
    8.4 9.1 9.2.1 9.2.2 9.3.1 9.3.2 9.3.3 10.1 10.2
    """
)

ISO_42001_ANNEX_A = words(
    """
    A.2.2 A.2.3 A.2.4 A.3.2 A.3.3 A.4.2 A.4.3 A.4.4 A.4.5 A.4.6 A.5.2 A.5.3 A.5.4 A.5.5 A.6.1.2 A.6.1.3
    A.6.2.2 A.6.2.3 A.6.2.4 A.6.2.5 A.6.2.6 A.6.2.7 A.6.2.8 A.7.2 A.7.3 A.7.4 A.7.5 A.7.6 A.8.2 A.8.3 A.8.4
    A.8.5 A.9.2 A.9.3 A.9.4 A.10.2 A.10.3 A.10.4
    """
)

US_MODEL_RISK = words(
    """
    D1 D2 D3 D4 U1 U2 V1 V2 V3 V4 V5 V6 V7 V8 G1 G2 G3 G4 G5 G6 G7 G8 G9
    """
)

UK_SS1_23 = words(
    """
    1.1 1.2 1.3 2.1 2.2 2.3 2.4 2.5 2.6 3.1 3.2 3.3 3.4 3.5 4.1 4.2 4.3 4.4 4.5 5.1 5.2 5.3
    """
)

PART_11 = words(
    """
    10(a) 10(b) 10(c) 10(d) 10(e) 10(f) 10(g) 10(h) 10(i) 10(j) 10(k)(1) 10(k)(2) 30 50(a)(1) 50(a)(2)
    50(a)(3) 50(b) 70 100(a) 100(b) 100(c) 200(a)(1) 200(a)(1)(i) 200(a)(1)(ii) 200(a)(2) 200(a)(3) 200(b)
    300(a) 300(b) 300(c) 300(d) 300(e)
    """
)

# Topic by topic: SOC 2, ISO/IEC 27001 Annex A (or clause), NIST SP 800-53.
CHANGE_AND_ACCESS = {
    "change-managed": ("CC8.1", "8.32 6.3", "CM-3 CM-4"),
    "tested-before-release": ("CC8.1", "8.29", "SA-11 CM-3(2)"),
    "approved-before-release": ("CC8.1", "8.32", "CM-3 CM-5"),
    "emergency-change": ("CC8.1", "8.32", "CM-3"),
    "baseline": ("CC8.1 CC7.1", "8.9", "CM-2 CM-6"),
    "separate-environments": ("CC8.1", "8.31", "CM-4(1)"),
    "release-integrity": ("CC8.1 CC6.8", "8.4 8.25 8.28", "CM-5 SI-7 SA-10"),
    "separation-of-duties": ("CC5.1 CC6.3", "5.3", "AC-5"),
    "least-privilege": ("CC6.1 CC6.3", "5.15 8.2 8.3", "AC-6"),
    "provisioning": ("CC6.2", "5.16 5.18", "AC-2 PS-4"),
    "access-review": ("CC6.2 CC6.3", "5.18", "AC-2"),
    "authentication": ("CC6.1", "5.17 8.5", "IA-2 IA-5"),
    "logging": ("CC7.2", "8.15 8.17", "AU-2 AU-3 AU-8 AU-12"),
    "log-protection": ("CC7.2", "8.15 5.33", "AU-9 AU-10 AU-11"),
    "monitoring-of-controls": ("CC4.1 CC7.2", "8.16 5.36", "CA-7"),
    "deficiency-follow-up": ("CC4.2", "5.35 10.2", "CA-5"),
    "incident-handling": ("CC7.3 CC7.4 CC7.5", "5.24 5.28", "IR-4 IR-6"),
    "supplier-change": ("CC9.2", "5.19 5.22", "SA-9 SR-6"),
    "significant-change-risk": ("CC3.4", "8.2", "RA-3"),
    "competence": ("CC1.4", "6.3 7.2", "AT-3"),
}

CHECKS = [f"K{number:02}" for number in range(1, 65)]
