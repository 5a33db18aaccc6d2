"""What people in the demo studio write: many scripts, quotes, line ends, nothing, too much."""

# ruff: noqa: RUF001 - letters that look like others are part of the exercise.

from random import Random

FIRST_NAMES = ["Noa", "Daniel", "Maya", "Yossi", "Tamar", "Zoë", "Ágnes", "Björn", "Renée", "Søren"]
LAST_NAMES = ["Levi", "כהן", "O'Brien", "Müller", "García", "Ben-David", "Nowak", "Zee"]
STUDIO_NAMES = ["Atelier Noa", "סטודיו אור", "Fifth & Main", "Maison Renée"]
PROJECT_NAMES = [
    "Beach house, Tel Aviv",
    "דירה ברחוב רוטשילד",
    "Loft No. 7",
    "Villa “Orchard”",
    "Hôtel de la Paix",
    "O'Connor's cottage",
    "Penthouse 🌇",
    "Cafe\u0301 Zoe\u0308",
]
CITIES = ["Tel Aviv", "ירושלים", "Haifa", "Zürich", "Kraków", "New York"]
STREETS = ["12 Rothschild Blvd", "רחוב הרצל 5", "Bahnhofstraße 3", "5th Ave, Apt. #4B"]
FIRMS = ["Stone & Sons", "נגרות אביב", "Électricité Martin", 'Tiles "R" Us', "Pipeworks Ltd."]
TRADES = ["Carpentry", "Electrical", "Plumbing", "Stone", "Lighting", "Paint"]
THINGS = [
    "Sofa",
    "Dining table",
    "Pendant lamp",
    "שטיח צמר",
    "Wall tile 30×60",
    "Mirror Ø 90",
    "Basin mixer",
    "Rug “Kilim”",
    "Blackout curtain",
    "Walnut shelf",
]
SENTENCES = [
    "The client prefers the warmer oak.",
    "Please check the clearance behind the door: 82 cm is not enough.",
    "הלקוחה אהבה את הגוון השני יותר 😊",
    "We're waiting for the supplier's answer; they said \"by Friday\".",
    "Façade, naïve, coöperate, Ångström: all spelled as they should be.",
    "Moved the socket 20 cm to the left ⚡",
    "Path on the old server: C:\\drawings\\final\\v2",
    "100% wool, 5 m², −3 mm tolerance.",
    "See the sketch 👩🏽‍🎨 before ordering!",
    "מידות: 240×180 ס״מ, לאשר מול הקבלן.",
    "Cafe\u0301 tables arrive in week 12.",
    "Nothing to add <b>here</b> & nothing to remove.",
    "NULL is not what the client meant.",
    "'); the quote at the start is on purpose.",
    "ภาพร่างใหม่ · новый эскиз · 新しいスケッチ",
]
LONG_TEXT_SENTENCES = 60
COLOURS = ["#C0392B", "#16A085", "#F39C12", "#8E44AD", "#2C3E50"]
USER_AGENTS = [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/128.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148",
]


def sentence(random: Random) -> str:
    return random.choice(SENTENCES)


def paragraph(random: Random) -> str:
    """Some sentences, on lines of their own."""
    return "\n".join(random.choice(SENTENCES) for _ in range(random.randrange(2, 6)))


def long_text(random: Random) -> str:
    """Several thousand characters, with every kind of blank in between."""
    parts = (random.choice(SENTENCES) for _ in range(LONG_TEXT_SENTENCES))
    return "".join(part + random.choice([" ", "\n", "\r\n", "\t", "\n\n"]) for part in parts)


def body(random: Random) -> str:
    """A text that is there: mostly short, now and then very long."""
    draw = random.random()
    if draw < 0.75:
        return sentence(random)
    return paragraph(random) if draw < 0.98 else long_text(random)


def note(random: Random) -> str | None:
    """A text that may be missing, or there and empty."""
    draw = random.random()
    if draw < 0.45:
        return None
    return "" if draw < 0.55 else body(random)


def person(n: int) -> str:
    """The full name of the n-th person."""
    return f"{FIRST_NAMES[n % len(FIRST_NAMES)]} {LAST_NAMES[n // 5 % len(LAST_NAMES)]}"
