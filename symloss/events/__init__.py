"""What a search or a benchmark says of itself while it runs, one event after the other.

Whoever works calls a listener with an :class:`Event`: a name and fields. Listeners only look on: the work is the same
with none or with several, and whatever becomes of them. Each run directory has all events in ``log.jsonl``
(:class:`JsonLog`, read back by :func:`read_log`): one JSON object a line, appended and handed to the system at once, so
that a killed process loses none. The first three fields of a line are

    time      when, in UTC: "2026-03-01T12:00:00.123+00:00"
    elapsed   seconds since this process opened the log, by a clock that never jumps
    event     the name

and these are the names, with the further fields of each. Scores are fractions of 1, and null where a number is not
finite. What an earlier process did is in the log already: a resumed run does not log it again. The events of the
equal-budget control have the field ``search``: "control".

A search (``symloss evolve``):

    engine      what trains a task's networks: task, engine, reason. It stands before the start, with the settings.
    started     kind ("evolve"), pid, command, versions, device, executor, workers
    resumed     the same, in a run that has such a line already
    noise       the spread of cross-entropy's score: std, seeds (of the first rung and the last: [first, last]), seconds
    drawn       a generation was drawn: generation, candidates, drawn, duplicates, rejected {screen: count}, seconds
    trial       how many steps the first rung has was tried out: share (of the task's), steps, seconds
    promoted    generation, rung (the one they climb to, from 0), losses [{id, formula}]
    rung        losses were trained on a rung: generation (null for the finalists), rung, candidates, baselines, seeds,
                steps, seconds, best (the best of them: {formula, score}), baseline (cross-entropy's score there)
    best        a loss is the best so far, or still is on a higher rung: formula, id, size, generation, rung, score,
                baseline
    generation  a generation is done: generation, generations (null where time decides), trained, budget, best,
                baseline, formula, seconds
    control     the equal-budget control: state ("started", "finished"), candidates
    audit       the final comparison: state ("started", "finished"), losses, seeds, seconds
    finished    trained, ended_by (budget, time, plateau or exhausted), seconds, best {formula, validation, test}

A benchmark (``symloss benchmark``):

    started, resumed, engine   as above, with kind "benchmark"; an engine is told of when it is measured
    cells       a table or a sweep begins: table, cells, found (finished before), sweep
    trained     cells were trained: table, cells, losses, seeds, seconds, done, total
    rate        a sweep chose a learning rate: table, loss, lr
    finished    cells, reused, seconds

Both:

    warning     something that a person should know and that ends nothing: message, category (if it is one of Python's)
    stopped     Ctrl-C or SIGTERM: signal ("SIGINT", "SIGTERM"), at_once (not even what was in hand was finished)
    error       the run ended with an error: type, message
"""

from symloss.events.event import Event, Listener, all_of, ignore, marked, to_stderr, warnings_to
from symloss.events.log import LOG_FILE, JsonLog, read_log
from symloss.events.session import logged

__all__ = [
    "LOG_FILE",
    "Event",
    "JsonLog",
    "Listener",
    "all_of",
    "ignore",
    "logged",
    "marked",
    "read_log",
    "to_stderr",
    "warnings_to",
]
