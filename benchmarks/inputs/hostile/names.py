"""Names of teams, images and files that attack a terminal, a file system or a file format."""

from __future__ import annotations

HOSTILE = (
    '<script>alert(1)</script>"&',
    "=cmd|' /C calc'!A0",
    "a|b`c`*d*_e_[f](http://g)",
    "\\input{/etc/passwd}%$#^~",
    "evil\u202etxt.exe\x1b[2J\r\nx",
    "[*] -- 'quoted' ``back``",
    "深圳 Ångström ß 🎉",
    "long " * 30,
)
"""Names that attack markup and text formats. The golden tables hold them, so their order is fixed."""

NAMES = (
    *HOSTILE,
    "../../../up",
    "/absolute",
    "C:\\windows\\system32",
    "con",
    "NUL.json",
    ".",
    "..",
    "-rf",
    "~",
    "a" * 500,  # the longest that is read
    "e\u0301 and \u00e9",
    "\u200b\u2066hidden\u2069",
    "{{ 7 * 7 }}{% raw %}",
    "%n%s%x",
    "\x1b]0;title\x07",
    "team,kind\nA,team",
)
"""The same, and names that attack file systems, templates and CSV."""
