"""Letters and digits of other scripts that look like ASCII ones. Imports no torch.

The data are those of Unicode's ``confusables.txt`` (Unicode Technical Standard #39, version 15.1; © 1991-2024 Unicode,
Inc., used under the Unicode License V3, https://www.unicode.org/license.txt): all single letters and digits whose
class holds an ASCII letter or digit, without those that NFKC normalisation changes into it. A few small letters are
here too whose capitals are in the file, or that look alike in small type (Cyrillic м, Greek η). Capital letters that
``confusables.txt`` puts beside "l" look like "I" and are here under "I".
"""

from __future__ import annotations

_LIKE = {
    "0": "۵०০੦૦୦௦౦೦൦๐໐၀𑓐𑣠",
    "2": "ƧϨᒿꙄꛯꝚ",
    "3": "ƷȜЗӠⳌꝪꞫ𑣊𖼻",
    "4": "Ꮞ𑢯",
    "5": "Ƽ𑢻",
    "6": "бᏮⳒ𑣕",
    "7": "𐓒𑣆",
    "8": "Ȣȣ৪੪𐌚",
    "9": "৭੧୨൭ⳊꝮ𑢬𑣌𑣖",
    "A": "ΑАᎪᗅꓮ𐊠𖽀",
    "B": "ΒВᏴᗷꓐꞴ𐊂𐊡𐌁",
    "C": "СᏟⲤꓚ𐊢𐌂𐐕𐔜𑣩𑣲",
    "D": "Ꭰᗞᗪꓓ",
    "E": "ΕЕᎬⴹꓰ𐊆𑢦𑢮",
    "F": "ϜᖴꓝꞘ𐊇𐊥𐔥𑢢𑣂",
    "G": "ԌᏀᏳꓖ",
    "H": "ΗНᎻᕼⲎꓧ𐋏",
    "I": "ƖΙІӀⲒ",
    "J": "ͿЈᎫᒍꓙꞲ",
    "K": "ΚКᏦᛕⲔꓗ𐔘",
    "L": "ᏞᒪⳐꓡ𐐛𐔦𑢣𑢲𖼖",
    "M": "ΜϺМᎷᗰᛖⲘꓟ𐊰𐌑",
    "N": "ΝⲚꓠ𐔓",
    "O": "ΟОՕⲞ𐐄𐓂𑢵",
    "P": "ΡРᏢᑭⲢꓑ𐊕",
    "Q": "ⵕ",
    "R": "ƦᎡᏒᖇꓣ𐒴𖼵",
    "S": "ЅՏᏕᏚꓢ𐊖𐐠𖼺",
    "T": "ΤТᎢⲦꓔ𐊗𐊱𐌕𑢼𖼊",
    "U": "Սሀᑌꓴ𐓎𑢸𖽂",
    "V": "Ѵ۷Ꮩᐯⴸꓦꛟ𐔝𑢠𖼈",
    "W": "ԜᎳᏔꓪ𑣦𑣯",
    "X": "ΧХᚷⲬⵝꓫꞳ𐊐𐊴𐌗𐌢𐔧𑣬",
    "Y": "ΥУҮᎩᎽⲨꓬ𐊲𑢤𖽃",
    "Z": "ΖᏃꓜ𐋵𑢩𑣥",
    "a": "ɑαаꭺ",
    "b": "ƄЬвᏏᑲᖯ",
    "c": "ϲсᴄⲥꮯ𐐽",
    "d": "ԁᏧᑯꓒꭰ",
    "e": "εеҽꬲ",
    "f": "քẝꞙꬵ",
    "g": "ƍɡցᶃ",
    "h": "нһհᏂꮋ",
    "i": "ıɩɪιіᎥꙇꭵ𑣃",
    "j": "ϳј",
    "k": "κк",
    "l": "ǀӏ۱ᛁⵏꓲꮃ𐊊𐌉𐌠𖼨",
    "m": "мꮇ",
    "n": "ηոռ",
    "o": "οσоօଠഠဝჿዐᴏᴑⲟⵔ〇ꓳꬽ𐊒𐊫𐐬𐓪𐔖𑣈𑣗",
    "p": "ρрⲣ",
    "q": "ԛգզ",
    "r": "гᴦⲅꭇꭈꭱꮁ",
    "s": "ƽѕꜱꮪ𐑈𑣁",
    "t": "τтꭲ",
    "u": "ʋυսᴜꞟꭎꭒ𐓶𑣘",
    "v": "νѵᴠꮩ𑜆𑣀",
    "w": "ɯωѡԝաᴡ𑜊𑜎𑜏",
    "x": "χхᕁᕽ",
    "y": "ɣʏγуүყᶌỿꭚ𑣜",
    "z": "ᴢꮓ𑣄",
}

LOOKALIKES: dict[int, str] = {ord(char): ascii_ for ascii_, chars in _LIKE.items() for char in chars}
"""Code point -> the ASCII character that it looks like, for :meth:`str.translate`."""
