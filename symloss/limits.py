"""How large what is read from outside may be: texts, files, numbers. Whatever is larger is refused with the limit.

The limits are far above what a search needs, and low enough that no input keeps a reader busy for longer than about a
second or fills the memory. ``docs/safety.md`` says what they are for.
"""

from __future__ import annotations

#: A formula: characters of its text, nodes and levels of its tree, the size of a number in it.
FORMULA_CHARACTERS = 10_000
FORMULA_NODES = 1_000
FORMULA_DEPTH = 100
NUMBER_MAGNITUDE = 1e30

#: A YAML file: bytes, scalars and collections together, levels. Anchors, aliases and tags are not allowed at all.
YAML_BYTES = 500_000
YAML_NODES = 10_000
YAML_LEVELS = 20

#: A grammar: what it may draw, and how much of it there may be.
GRAMMAR_DEPTH = 50
GRAMMAR_NODES = 200
GRAMMAR_RULES = 100
GRAMMAR_PRODUCTIONS = 300
GRAMMAR_HOLES = 8  # nonterminals in one production
GRAMMAR_SEEDS = 1_000
#: Nonterminals in all productions x depth x nodes: what counting a grammar's formulas costs.
GRAMMAR_TABLE = 10_000_000
#: Steps in which all seeds of a grammar, or one formula, must be found in its rules.
GRAMMAR_MATCHING = 1_000_000
#: Levels of a derivation, renamings included.
GRAMMAR_LEVELS = 300

#: A run: bytes of its configuration and of its result, bytes of one value in its database.
RUN_CONFIG_BYTES = 2_000_000
RUN_RESULT_BYTES = 20_000_000
DATABASE_VALUE_BYTES = 1_000_000

#: A file of CIFAR, which is a pickle.
PICKLE_BYTES = 400_000_000

#: What a message quotes of a value, in characters.
QUOTED = 60
