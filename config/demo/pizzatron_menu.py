"""The invented world of the Pizzatron story: markets, regions, menus and tastes.

Pizzatron recommends weekly promotions to the owners of a pizza franchise. Nobody's real sales are in
here; every number is made up so that the story's three mistakes follow from the data by themselves.
"""

from dataclasses import dataclass

STORE_TYPES = ("campus", "family", "downtown")
STORE_SIZES = ("small", "medium", "large")


@dataclass(frozen=True)
class Pizza:
    """An item of a menu.

    `demand` is the usual weekly number sold by a medium store; `winter` (-1 to 1) says how much more
    it sells in midwinter than in midsummer, `festive` by which factor it sells in holiday weeks, and
    `tastes` the factor by type of store (campus, family, downtown). `usd` is its price in dollars,
    `stock` how many weeks of sales are usually in store.
    """

    name: str
    demand: float
    winter: float
    festive: float
    tastes: tuple[float, float, float]
    usd: float
    stock: float = 2.0


@dataclass(frozen=True)
class Market:
    """A country: its regions with mean temperature and yearly swing in °C, currency and menu.

    `holidays` are ISO weeks.
    """

    country: str
    stores: int
    regions: dict[str, tuple[float, float]]
    local_per_usd: float
    price_level: float
    round_to: float
    holidays: tuple[int, ...]
    menu: tuple[Pizza, ...]


UNITED_STATES = Market(
    country="US",
    stores=40,
    regions={"Northeast": (11, 13), "South": (20, 9), "Midwest": (10, 15), "West": (16, 7)},
    local_per_usd=1.0,
    price_level=1.0,
    round_to=0.25,
    holidays=(6, 27, 47, 51, 52),
    menu=(
        Pizza("Pepperoni", 46, 0.05, 1.05, (1.5, 1.1, 0.7), 16.0, 2.6),
        Pizza("Margherita", 36, -0.25, 0.95, (0.8, 0.9, 1.5), 14.0, 2.6),
        Pizza("Four Cheese", 33, 0.35, 1.25, (0.9, 1.2, 1.1), 15.5),
        Pizza("BBQ Chicken", 34, -0.35, 0.95, (1.4, 1.0, 0.7), 17.0),
        Pizza("Hawaiian", 30, -0.30, 0.90, (0.8, 1.6, 0.7), 16.0),
        Pizza("Meat Feast", 31, 0.30, 1.30, (1.5, 1.0, 0.6), 18.5),
        Pizza("Veggie Garden", 26, -0.40, 0.85, (0.7, 0.8, 1.8), 15.0),
        Pizza("Buffalo Chicken", 27, 0.05, 1.10, (1.8, 0.7, 0.8), 17.5),
        Pizza("Pineapple and Anchovy", 9, -0.05, 0.90, (1.0, 0.8, 1.2), 16.5, 1.6),
        Pizza("Truffle Mushroom", 25, 0.45, 1.35, (0.5, 0.8, 1.9), 21.0, 1.8),
    ),
)

ITALY = Market(
    country="IT",
    stores=15,
    regions={"Nord": (13, 11), "Centro": (16, 9), "Sud": (18, 8)},
    local_per_usd=0.92,
    price_level=0.62,
    round_to=0.5,
    holidays=(1, 16, 33, 51, 52),
    menu=(
        Pizza("Margherita", 70, -0.05, 1.05, (1.1, 1.2, 0.9), 11.0, 2.8),
        Pizza("Marinara", 38, -0.20, 0.95, (1.3, 0.8, 1.0), 9.5, 2.6),
        Pizza("Diavola", 44, 0.10, 1.00, (1.6, 0.8, 0.9), 13.0),
        Pizza("Capricciosa", 36, 0.20, 1.20, (0.7, 1.5, 0.9), 14.5),
        Pizza("Quattro Formaggi", 33, 0.40, 1.15, (1.0, 1.0, 1.1), 14.0),
        Pizza("Prosciutto e Funghi", 31, 0.30, 1.15, (0.9, 1.4, 0.8), 14.5),
        Pizza("Tonno e Cipolla", 22, -0.20, 0.90, (1.1, 0.8, 1.1), 13.5),
        Pizza("Bufala e Rucola", 30, -0.40, 1.00, (0.6, 0.8, 1.9), 17.0, 1.7),
        Pizza("Frutti di Mare", 18, -0.35, 1.40, (0.5, 0.9, 1.6), 19.0, 1.6),
    ),
)

JAPAN = Market(
    country="JP",
    stores=15,
    regions={"Kanto": (16, 11), "Kansai": (17, 11), "Hokkaido": (9, 14)},
    local_per_usd=150.0,
    price_level=1.05,
    round_to=50.0,
    holidays=(1, 18, 33, 51, 52),
    menu=(
        Pizza("Margherita", 26, -0.10, 1.00, (0.8, 0.9, 1.6), 17.0, 2.6),
        Pizza("Teriyaki Chicken", 44, 0.05, 1.35, (1.2, 1.3, 0.8), 19.0, 2.6),
        Pizza("Mayo Corn", 38, -0.10, 1.10, (1.0, 1.7, 0.5), 16.5),
        Pizza("Tuna Mayo", 34, -0.15, 0.95, (1.4, 1.0, 0.7), 17.5),
        Pizza("Seafood Nori", 28, 0.25, 1.45, (0.6, 1.0, 1.4), 22.0, 1.8),
        Pizza("Mentaiko Potato", 36, 0.45, 1.05, (1.3, 0.9, 1.0), 19.5),
        Pizza("Bulgogi", 27, 0.20, 1.05, (1.7, 0.7, 0.9), 20.5),
        Pizza("Quattro Formaggi", 26, 0.25, 1.15, (0.8, 0.7, 1.7), 20.0),
        Pizza("Okonomiyaki", 24, 0.10, 1.10, (1.1, 1.2, 0.8), 18.5, 1.7),
    ),
)

MARKETS = (UNITED_STATES, ITALY, JAPAN)
