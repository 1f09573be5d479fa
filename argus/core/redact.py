"""Takes secrets out of text that leaves the process: command lines, URLs, environment values."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

HIDDEN = "***"

# `hf_token`, `API-KEY`, `token.file`, but neither `tokenizer` nor `num_tokens`.
# The lookahead finds the word, so that the name itself can be matched in one way only: a pattern
# that could split a long name in many ways would take quadratic time.
_SECRET_NAME = (
    r"(?=[\w.-]*(?:token|secrets?|passw(?:or)?d|passphrase|credentials?|jwt|"
    r"(?:api|access|private|secret)[-_.]?key)"
    r"(?:[-_.]|(?![\w.-])))[\w.-]+"
)
_VALUE = r"(?:\"[^\"]*\"|'[^']*'|[^\s,;&]+)"
_SUBSTITUTIONS = (
    # --token=x, API_KEY=x, "password": "x"
    (re.compile(rf"(?i)(?<![\w.-])({_SECRET_NAME}[\"']?\s*[=:]\s*){_VALUE}"), rf"\1{HIDDEN}"),
    # --token x
    (re.compile(rf"(?i)((?:^|\s)--?{_SECRET_NAME}\s+)(?!-){_VALUE}"), rf"\1{HIDDEN}"),
    # Authorization: Bearer x
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), rf"\1 {HIDDEN}"),
    # https://user:password@host
    (re.compile(r"(://)[^\s/]+@"), rf"\1{HIDDEN}@"),
    # a reporter token, wherever it stands
    (re.compile(r"\bem_live_[\w-]+"), HIDDEN),
)
_SECRET_OPTION = re.compile(rf"(?i)--?{_SECRET_NAME}")
_SECRET_ASSIGNMENT = re.compile(rf"(?i)((?:--?)?{_SECRET_NAME}=).*", re.DOTALL)
_SECRET_SETTING = re.compile(rf"(?i){_SECRET_NAME}")
_NO_NAME = re.compile(r"[^\w.-]")


def is_secret_name(name: str) -> bool:
    """Whether a setting or a variable of that name is to be hidden, whatever its value."""
    return _SECRET_SETTING.fullmatch(_NO_NAME.sub("-", name)) is not None


def redacted(text: str) -> str:
    """`text` with everything that looks like a secret replaced by `***`."""
    for pattern, replacement in _SUBSTITUTIONS:
        text = pattern.sub(replacement, text)
    return text


def command_line(argv: Sequence[str]) -> str:
    """The arguments of a process as a person would type them, secrets hidden."""
    words: list[str] = []
    after_secret_option = False
    for word in argv:
        if after_secret_option and not word.startswith("-"):
            words.append(HIDDEN)
        elif _SECRET_ASSIGNMENT.fullmatch(word):  # the whole argument, spaces in its value too
            words.append(_SECRET_ASSIGNMENT.sub(rf"\1{HIDDEN}", word))
        else:
            words.append(shlex.quote(redacted(word)))
        after_secret_option = _SECRET_OPTION.fullmatch(word) is not None
    return " ".join(words)
