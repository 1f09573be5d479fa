"""Takes secrets out of text that leaves the process: command lines, URLs, errors' texts.

What is hidden follows a name that only secrets have, or has a form that only secrets have. Every
pattern takes time that grows with the text and no faster: it can match from one place in one way.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Optional

from argus.core.secret import HIDDEN, Secret

# `hf_token`, `API-KEY`, `token.file`, but neither `tokenizer`, `num_tokens`, `token_count` nor
# `pad_token`. The lookahead finds the word, so that the name itself can be matched in one way only:
# a pattern that could split a long name in many ways would take quadratic time.
_KEYS = r"(?:api|access|secret|private|encryption|signing|account|deploy|ssh|service)[-_.]?key"
_SECRET_WORD = (
    rf"(?:secrets?|passw(?:or)?d|passphrase|credentials?|jwt|{_KEYS})(?:[-_.]|(?![\w.-]))"
    # Of the tokens that a model reads, those that every library calls so.
    r"|(?<!(?:pad|eos|bos|unk|sep|cls)[-_.])(?<!mask[-_.])"
    r"token(?:[-_.](?:file|path|value|key|secret|env)(?![^\W_])|[-_.]?(?![\w.-]))"
)
_SECRET_NAME = rf"(?=[\w.-]*(?:{_SECRET_WORD}))[\w.-]+"
_QUOTED = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
_BLOCK = r"[|>][-+]?[ \t]*\n[ \t]+[^\n]+"  # the first line of what YAML calls a block scalar
_VALUE = rf"(?:{_QUOTED}|{_BLOCK}|[^\s,;&]+)"
_SUBSTITUTIONS = (
    # -----BEGIN RSA PRIVATE KEY----- and all that follows, up to its end where that is there
    (
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
            re.DOTALL,
        ),
        HIDDEN,
    ),
    # Authorization: Bearer x
    (
        re.compile(r"(?i)(\bauthorization\\{0,3}[\"']?\s*[=:]\s*\\{0,3}[\"']?\w+\s+)[\w.~+/=-]+"),
        rf"\1{HIDDEN}",
    ),
    # --token=x, API_KEY=x, "password": "x", the same inside another text's quotes
    (
        re.compile(rf"(?i)(?<![\w.-])({_SECRET_NAME}\\{{0,3}}[\"']?\s*[=:]\s*){_VALUE}"),
        rf"\1{HIDDEN}",
    ),
    # --token x
    (re.compile(rf"(?i)((?:^|\s)--?{_SECRET_NAME}\s+)(?!-){_VALUE}"), rf"\1{HIDDEN}"),
    # Bearer x, but no "bearer token"; Basic x where x could be base64, but no "basic training"
    (re.compile(r"\b([Bb]earer\s+)(?!tokens?\b)[\w.~+/=-]+"), rf"\1{HIDDEN}"),
    (re.compile(r"\b([Bb]asic\s+)(?=[a-z]*[A-Z0-9+/=])[\w.~+/=-]{6,}"), rf"\1{HIDDEN}"),
    # https://user:password@host
    (re.compile(r"(://)[^\s/]+@"), rf"\1{HIDDEN}@"),
    # wandb login x
    (re.compile(r"(\bwandb\s+login\s+(?:-\S+\s+)*)[0-9a-f]{40}\b"), rf"\1{HIDDEN}"),
    # What is a secret wherever it stands: a token of Argus, Hugging Face, GitHub, GitLab, OpenAI
    # and its kin, Slack, AWS; a JSON web token.
    (
        re.compile(
            r"(?<![A-Za-z0-9])(?:em_live_[\w-]+|hf_[A-Za-z0-9]{20,}|gh[pousr]_[A-Za-z0-9]{20,}"
            r"|github_pat_\w{20,}|glpat-[\w-]{20,}|sk-[\w-]{20,}|xox[abprs]-[\w-]{10,}"
            r"|A(?:KIA|SIA)[A-Z0-9]{16}(?![A-Za-z0-9]))"
        ),
        HIDDEN,
    ),
    (re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), HIDDEN),
)
# One of these is in whatever the patterns above match, its case folded: to look for them takes a
# twentieth of the time. Beginnings, since `re` takes a dotless i for an i too.
_HINTS = (
    *("secret", "passw", "passphrase", "credent", "jwt", "key", "token", "author"),
    *("bearer", "basic", "://", "wandb", "em_live", "hf_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    *("github_pat", "glpat", "sk-", "xox", "akia", "asia", "eyj"),
)
# A token that is found in JSON as it stands, and inside of strings alone: long enough to be no word,
# of characters that need no escape, and one at least that no number, `true`, `false` or `null` has.
_HIDEABLE = re.compile(r"(?=.*[^-+.:0-9eEtrufalsn])[A-Za-z0-9_.~+/=:-]{8,}")
_SECRET_OPTION = re.compile(rf"(?i)--?{_SECRET_NAME}")
_SECRET_ASSIGNMENT = re.compile(rf"(?i)([-+]{{0,2}}{_SECRET_NAME}=).*", re.DOTALL)
_SECRET_SETTING = re.compile(rf"(?i){_SECRET_NAME}")
_NO_NAME = re.compile(r"[^\w.-]")


def is_secret_name(name: str) -> bool:
    """Whether a setting or a variable of that name is to be hidden, whatever its value."""
    return _SECRET_SETTING.fullmatch(_NO_NAME.sub("-", name)) is not None


def may_hold_secret(text: str) -> bool:
    """False where `redacted` would change nothing; to be asked first about much text."""
    folded = text.casefold()
    return any(hint in folded for hint in _HINTS)


def redacted(text: str) -> str:
    """`text` with everything that looks like a secret replaced by `***`."""
    for pattern, replacement in _SUBSTITUTIONS:
        text = pattern.sub(replacement, text)
    return text


def looks_secret(name: str, value: str) -> bool:
    """Whether a variable is one to keep to oneself, by its name or by what it holds."""
    return f"{name}={value}" != redacted(f"{name}={value}")


def hideable(token: Optional[Secret]) -> Optional[Secret]:
    """A reporter's own token, where it can be taken out of JSON text, wherever a user has put it.

    One that is as short as a word, or made of digits alone, is left: without it the text could be
    no JSON, or say something else.
    """
    return token if token is not None and _HIDEABLE.fullmatch(token.reveal()) else None


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
