"""Strokes of sixteen families of letters, drawn by hand on a grid of five by five.

They are no fonts and spell no words: each family only has the rhythm of its script, such as the
headline of Devanagari, the joined line and dots of Arabic, or the blocks of Hangul.
"""

from streetclip.sampleworld.dice import Dice

Stroke = tuple[tuple[float, float], ...]

# A glyph is a word of strokes parted by commas; a stroke is a chain of points, each two digits:
# column 0 to 4 from the left, row 0 to 4 from the top.
_GLYPHS: dict[str, str] = {
    "latin": "041044,0232 000434,0030,0232 04003041324304 000444 00,04,0232 043404 "
    "0400440 00044440 400004440 0004,4044,0242 0030412343340400 002040 0040,2024",
    "cyrillic": "0004,4044,0440 0004,0222,4004 0004,0040,4044,2024 0004,0234,3402,0030 "
    "0004,0040 0400,0040,4044,0444 0440,4044,0222 0004,02324344 2024,0044,0440 "
    "040040,0222,0444 0004,3034,0334,4044",
    "greek": "042044,0444 0424,0040,2024 0040,0024,0424,0444 2024,00021242403 0004,0040 "
    "2024,1030413331110 0044,0440 0040,0232,0444 04204 0010,0424,4044 0404,0020,2004",
    "georgian": "1030413313040,0313 4020011222423424140 2000011223040,4 1001022232434 "
    "3010010212324344340 0004241322 1030403424140403 0010212304 40302021232434",
    "armenian": "0003143443,40 0400303,0343 00040434,3044 0030324 040343,0040 "
    "000234,0444 0003143443 4000022242440 0004,0030313,0444",
    "hebrew": "004044,0444 0040,4044 004044 0004,0044,4002 0040,4044,0304 0040,2024 "
    "0010,0040,4044 0044,4022 004044,04,0204 2022",
    "arabic": "03144443,2425 031434,4042 0314444,1000 0313233343,2010 002313,0343 "
    "0344434,1121 03431,2030 0323,20234 033342,1415 2024,0343",
    "ethiopic": "0004,4044,0240 2024,0040,0424 1000021222,2004,2040 0004,2024,4044,0040 "
    "1030323010,2024 0024,4024,0343 20,2024,0242 0004,0040,4043,3044 0030,1014,3034,1434",
    "devanagari": "0040,3034,0212233203 0040,3034,1012021333 0040,3034,0222,0012 "
    "0040,2024,02122232,1404 0040,3034,1013,1333 0040,2022020434 0040,3034,1012,1232 "
    "0040,1014,3034,1232",
    "bengali": "0040,3034,300232 0040,3034,02343 0040,2024,202404 0040,3034,0313,1030 "
    "0040,1012,123234,34,04 0040,3034,103212 0040,02,042,2434,3004",
    "tamil": "1014,0040,4044,2434 0020222404,4044 0004443,2024 10001222100,2040444 "
    "0030333,1303,0343 1030414434,1404021 0004342404,3034 201002142444,4",
    "thai": "0111100104,0010304344 1100011,1114442 0111000,0104344440 01110003,0344,4044 "
    "011100,010323434,40 1101001104,4044,0424 0111,0100304344,2224 44403010,1110,1104",
    "burmese": "1030414334140301 1030414334140301,2024 1001031434,34,4 103041433414030110,1333 "
    "301001031434,4044 1001031434434130,1044 00103041433,3424",
    "han": "0040,2024,0242,0444 0004,0040,4044,0444,0242,2024 2024,0040,0222,2242,0424,2444 "
    "0141,1014,3034,0343 0040,0141,0242,2024,0444,0343 1004,0040,2044,2024,1333 "
    "0030,1014,0232,0434,4044,3042 0004,0020,2024,0222,0424,3044,4030,3242",
    "kana": "0040,4024,2004 0040,2004 1014,0141,4123 0434,3010,1002 0140,2004,2324 "
    "004003,4 0212,4004 1004,0131,3044 0030,0242,4204 00,1304,4004 2024,0141,0203,4243",
    "hangul": "1000011222211,4044,2242 0020,2004,4044,2242 0020,0002,0222,4044,0424,2444 "
    "0040,2022,0242,1313233324 1031323111,0343,2324 000323,4044,4252 "
    "0020,2023,4044,1333 0004,0424,4044,2242",
}


def _parse(word: str) -> tuple[Stroke, ...]:
    strokes = []
    for chain in word.split(","):
        digits = chain[: len(chain) // 2 * 2]
        points = [(int(digits[i]) / 4, int(digits[i + 1]) / 4) for i in range(0, len(digits), 2)]
        if len(points) == 1:
            points.append((points[0][0] + 0.12, points[0][1]))
        strokes.append(tuple(points))
    return tuple(stroke for stroke in strokes if stroke)


GLYPHS = {name: tuple(_parse(word) for word in text.split()) for name, text in _GLYPHS.items()}

# Width of a letter and of the gap after it, as a share of the height; joined scripts have no gap.
_PITCH = {
    "latin": (0.52, 0.26),
    "cyrillic": (0.6, 0.26),
    "greek": (0.58, 0.26),
    "georgian": (0.62, 0.2),
    "armenian": (0.58, 0.22),
    "hebrew": (0.7, 0.22),
    "arabic": (0.62, 0.0),
    "ethiopic": (0.66, 0.22),
    "devanagari": (0.7, 0.0),
    "bengali": (0.75, 0.0),
    "tamil": (0.9, 0.2),
    "thai": (0.55, 0.14),
    "burmese": (0.72, 0.1),
    "han": (1.0, 0.22),
    "kana": (0.85, 0.25),
    "hangul": (0.95, 0.22),
}


def lettering(dice: Dice, script: str, width: float) -> list[Stroke]:
    """Strokes of an invented word that fills a line.

    Args:
        dice: Where the letters come from.
        script: A family of letters.
        width: Of the line, in units of the letters' height.

    Returns:
        Strokes with x from 0 to `width` and y from 0 (top) to 1 (bottom).
    """
    letter, gap = _PITCH[script]
    count = max(1, int((width + gap) / (letter + gap)))
    start = (width - count * (letter + gap) + gap) / 2
    strokes: list[Stroke] = []
    for place in range(count):
        # A word has gaps; the joined scripts show them too.
        if 1 < place < count - 1 and dice.chance(0.12):
            continue
        left = start + place * (letter + gap)
        glyph = dice.choice(GLYPHS[script])
        strokes.extend(tuple((left + x * letter, y) for x, y in stroke) for stroke in glyph)
    return strokes
