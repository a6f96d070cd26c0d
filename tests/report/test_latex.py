"""LaTeX in a paper of two columns: it compiles, nothing sticks out, publications are cited. The options."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.inputs.boards import make_results
from srspace_eval.errors import RankingError
from srspace_eval.ranking import BootstrapPlan, Entry, Ranking, rank
from srspace_eval.ranking.model import MEASURED
from srspace_eval.ranking.published_tables import load_published, published_tables
from srspace_eval.report.bibtex import citation_key
from srspace_eval.report.files import render_leaderboard, write_leaderboards
from srspace_eval.report.names import label_of
from srspace_eval.report.table import make_table
from srspace_eval.tracks.reader import load_track
from tests.helpers.commands import run
from tests.helpers.golden_tables import RANKINGS

X4 = load_track("x4")


def _own() -> Ranking:
    """Measured teams with intervals beside two publications; departures, so that marks and notes are there."""
    results = make_results(X4, 2, 12, 2, 0, names=["Ours", "A team with a longer name"])
    entries = [Entry(r.team, r.kind, r.summary, "measured", r) for r in results]
    published = [*load_published("ntire2021-x4").entries(), *load_published("ncsr-x4").entries()]
    return rank([*entries, *published], X4, bootstrap=BootstrapPlan(replicates=100))


MAKERS = {**RANKINGS, "own": _own}
OPTIONS = {
    "plain": {},
    "all": {"intervals": True, "signature": True},
    "short": {"notes": False, "digits": 2},
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_nothing_sticks_out_of_a_two_column_paper(name: str, options: dict[str, bool], tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("needs pdflatex")
    for style in ("booktabs.sty", "graphicx.sty"):
        if subprocess.run(["kpsewhich", style], capture_output=True, check=False).returncode:
            pytest.skip(f"needs {style}")
    ranking = MAKERS[name]()
    (tmp_path / "table.tex").write_text(render_leaderboard(ranking, "tex", **options), encoding="utf-8")  # type: ignore[arg-type]
    (tmp_path / "refs.bib").write_text(render_leaderboard(ranking, "bib"), encoding="utf-8")
    (tmp_path / "paper.tex").write_text(
        r"\documentclass[twocolumn]{article}\usepackage{booktabs,graphicx}\begin{document}"
        r"\input{table}Text \ref{tab:LABEL}.\bibliographystyle{plain}\bibliography{refs}\end{document}".replace(
            "LABEL", label_of(ranking)
        ),
        encoding="utf-8",
    )
    cites = r"\cite" in (tmp_path / "table.tex").read_text()
    latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex"]
    for command in [latex, *([["bibtex", "paper"], latex, latex] if cites and shutil.which("bibtex") else [latex])]:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
    log = re.sub(r"(?<=.{79})\n", "", (tmp_path / "paper.log").read_text(encoding="latin-1"))
    assert re.findall(r"Overfull \\hbox.*", log) == []
    assert re.findall(r"LaTeX Warning: (?:Citation|Reference).*", log) == []


def test_a_publication_is_cited_once_and_never_spelled_out() -> None:
    ranking = RANKINGS["ntire2021-x4"]()
    text = render_leaderboard(ranking, "tex")
    assert text.count(r"\cite{lugmayr2021ntire}") == 1
    assert "Lugmayr, Danelljan" not in text
    short = render_leaderboard(ranking, "tex", notes=False)
    assert short.count(r"\cite{lugmayr2021ntire}") == 1
    assert r"$\times$4~\cite{lugmayr2021ntire}. Best" in short, "the caption cites what all rows are from"
    assert "Deepest & " in short
    beside = render_leaderboard(_own(), "tex", notes=False)
    assert r"Deepest~\cite{lugmayr2021ntire}" in beside
    assert r"\textsuperscript" not in short
    assert "Final rank" not in short


def test_the_bibliography_holds_each_publication_once() -> None:
    text = render_leaderboard(_own(), "bib")
    assert re.findall(r"^@inproceedings\{(\w+),$", text, re.MULTILINE) == ["lugmayr2021ntire", "kim2021noise"]
    assert "author = {Kim, Younggeun and Son, Donghee}" in text
    assert text.count("booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision") == 2
    given = rank([Entry("a", "team", {"lpips": 0.1}, "given")], X4)
    assert render_leaderboard(given, "bib") == ""


def test_publications_have_keys_of_their_own() -> None:
    keys: dict[str, set[str]] = {}
    for table in published_tables().values():
        keys.setdefault(citation_key(table), set()).add(table.paper)
    assert all(len(papers) == 1 for papers in keys.values()), keys


def test_the_bib_file_lies_beside_the_tex_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_leaderboards([RANKINGS["ntire2021-x4"]()], tmp_path / "a", formats=["tex"])
    assert {path.name for path in (tmp_path / "a").iterdir() if path.suffix} == {"x4.tex", "references.bib"}
    assert run("rank", "--published", "ntire2021-x4", "--format", "bib") == 0
    assert capsys.readouterr().out == (tmp_path / "a/references.bib").read_text()


def test_tables_of_one_folder_share_a_bibliography_and_no_name(tmp_path: Path) -> None:
    """Two tracks, and the published table and the own board of one track; entries of the user stay as they are."""
    own = "@book{lugmayr2021ntire,\n  note = {mine}\n}\n\n@Article{ else ,\n year=2020}\n"
    (tmp_path / "references.bib").write_text(own, encoding="utf-8")
    both = [rank(published=f"ntire2021-x{scale}") for scale in (4, 8)]
    write_leaderboards(both, tmp_path, formats=["tex", "csv"])
    assert (tmp_path / "references.bib").read_text(encoding="utf-8") == own
    for _ in range(2):
        write_leaderboards([rank(_own_x8(), "x8", with_published=["ntire2021", "ncsr"])], tmp_path, formats=["tex"])
        references = (tmp_path / "references.bib").read_text(encoding="utf-8")
        assert references.startswith(own)
        assert re.findall(r"^@\w+\{ ?(\w+)", references, re.MULTILINE) == ["lugmayr2021ntire", "else", "kim2021noise"]
    names = {path.name for path in tmp_path.iterdir() if path.suffix}
    stems = {"ntire2021-x4", "ntire2021-x8", "x8"}
    assert names == {f"{s}.tex" for s in stems} | {"ntire2021-x4.csv", "ntire2021-x8.csv", "references.bib"}
    labels = [re.findall(r"\\label\{tab:(.*)\}", (tmp_path / f"{s}.tex").read_text()) for s in sorted(stems)]
    assert labels == [[s] for s in sorted(stems)]


def test_a_bibliography_that_is_no_text_is_kept(tmp_path: Path) -> None:
    (tmp_path / "references.bib").write_bytes(b"\xff\xfe")
    with pytest.raises(RankingError, match=r"references.bib: cannot be read as UTF-8 text .*; move it away"):
        write_leaderboards([rank(published="ntire2021-x4")], tmp_path, formats=["tex"])
    assert (tmp_path / "references.bib").read_bytes() == b"\xff\xfe"
    assert not (tmp_path / "ntire2021-x4.tex").exists()


def test_notes_for_a_paper_are_about_what_the_table_shows() -> None:
    """Nothing about this machine; the bootstrap only where intervals or ≈ are printed."""
    alone = [replace(entry, evidence=MEASURED) for entry in _own_x8()[:1]]
    ranking = rank(alone, "x8", with_published="ntire2021")
    assert any(note.startswith("Results measured on this machine: 1") for note in ranking.notes)
    text = render_leaderboard(ranking, "tex")
    assert "this machine" not in text
    assert "bootstrap" not in text
    assert "bootstrap" in render_leaderboard(ranking, "tex", intervals=True)
    assert "bootstrap" in render_leaderboard(ranking, "json")
    assert "bootstrap" not in render_leaderboard(ranking, "md")
    close = rank(_own_x8(), "x8")
    assert ("approx" in render_leaderboard(close, "tex")) == ("bootstrap" in render_leaderboard(close, "tex"))


def test_a_narrow_table_is_centred_below_its_caption() -> None:
    text = render_leaderboard(rank(published="ntire2021-x4"), "tex")
    assert r"\else\leavevmode\box0\fi\else\leavevmode\box0\fi}" in text
    assert re.search(r"\\label\{[^\n]*\n\\smallskip\n\\srspacefit", text)


def _own_x8() -> list[Entry]:
    return [Entry(r.team, r.kind, r.summary, "measured", r) for r in make_results(load_track("x8"), 2, 4, 2, 0)]


def test_signature_is_printed_only_where_it_is_asked_for() -> None:
    assert "Measured with common" not in render_leaderboard(_own(), "tex")
    assert "Measured with common" in render_leaderboard(_own(), "tex", signature=True)


def test_digits_of_all_and_of_single_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    command = ("rank", "--published", "ntire2021-x4", "--format", "md", "--digits")
    assert run(*command, "1") == 0
    assert "| 1 | Deepest | **0.1** | **50.5** ₍₁₎ | *26.0* ₍₂₎ | **4.4** ₍₁₎ |" in capsys.readouterr().out
    assert run(*command, "lpips=4,diversity=1") == 0
    assert "| *0.1170* | **50.54** ₍₁₎ | *26.0* ₍₂₎ |" in capsys.readouterr().out
    for wrong in ("x", "lpips=x", "lpips=99", "1,2", "unknown=3", "-1"):
        assert run(*command, wrong) == 2
        assert "--digits" in capsys.readouterr().err


def test_the_own_method_is_the_last_row(capsys: pytest.CaptureFixture[str]) -> None:
    table = make_table(RANKINGS["ntire2021-x4"](), own="CIPLAB")
    assert [line.row.entry.team for line in table.lines][-3:] == ["ESRGAN", "GT", "CIPLAB"]
    assert table.lines[-1].place == "2"
    text = render_leaderboard(RANKINGS["ntire2021-x4"](), "tex", own="CIPLAB")
    assert re.search(r"\\midrule\n2 & CIPLAB[^\n]*\n\\bottomrule", text)
    assert run("rank", "--published", "ntire2021-x4", "--own", "ciplab") == 1
    assert "no row is called 'ciplab'; did you mean 'CIPLAB'?" in capsys.readouterr().err
    with pytest.raises(RankingError, match="no row is called 'Nobody'"):
        render_leaderboard(RANKINGS["ntire2021-x4"](), "md", own="Nobody")
    twice = rank([Entry("CIPLAB", "team", {"diversity": 5.0}, "given"), *load_published("ntire2021-x4").entries()], X4)
    last = make_table(twice, own="CIPLAB").lines[-1].row.entry
    assert last.origin == "given"
