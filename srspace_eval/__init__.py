"""Evaluation toolkit for learning the super-resolution space: the public API.

Every name below is public and stable; ``docs/reference/api.md`` describes each of them. A name is loaded on its first
use, so that ``import srspace_eval`` imports neither torch nor NumPy, and a leaderboard can be built without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from srspace_eval._version import __version__

# The same names twice: here for type checkers and editors, below for the lazy import. tests/test_api.py compares them.
if TYPE_CHECKING:
    from srspace_eval._utils.png import read_rgb as read_rgb
    from srspace_eval._utils.png import write_png as write_png
    from srspace_eval.codabench.board import DryRun as DryRun
    from srspace_eval.codabench.bundle import write_bundle as write_bundle
    from srspace_eval.codabench.check import check_bundle as check_bundle
    from srspace_eval.codabench.checks.findings import BundleCheck as BundleCheck
    from srspace_eval.codabench.downloads import ImportedBoard as ImportedBoard
    from srspace_eval.codabench.downloads import import_downloads as import_downloads
    from srspace_eval.codabench.dry_run import dry_run_bundle as dry_run_bundle
    from srspace_eval.codabench.estimate import BundleEstimate as BundleEstimate
    from srspace_eval.codabench.estimate import estimate_bundle as estimate_bundle
    from srspace_eval.codabench.phase import CompetitionPhase as CompetitionPhase
    from srspace_eval.codabench.plan import CompetitionPlan as CompetitionPlan
    from srspace_eval.codabench.plan_file import load_competition as load_competition
    from srspace_eval.codabench.plan_file import write_competition_template as write_competition_template
    from srspace_eval.degrade.folder import DegradeReport as DegradeReport
    from srspace_eval.degrade.folder import degrade_folder as degrade_folder
    from srspace_eval.degrade.noise_pool import collect_noise_pool as collect_noise_pool
    from srspace_eval.degrade.options import DegradeOptions as DegradeOptions
    from srspace_eval.degrade.picture import degrade_image as degrade_image
    from srspace_eval.degrade.record import AppliedDegradation as AppliedDegradation
    from srspace_eval.degrade.record import DegradedImage as DegradedImage
    from srspace_eval.demo.run import Demo as Demo
    from srspace_eval.demo.run import run_demo as run_demo
    from srspace_eval.doctor import Diagnosis as Diagnosis
    from srspace_eval.doctor import diagnose as diagnose
    from srspace_eval.errors import CheckpointError as CheckpointError
    from srspace_eval.errors import ExecutorError as ExecutorError
    from srspace_eval.errors import ImageError as ImageError
    from srspace_eval.errors import InputError as InputError
    from srspace_eval.errors import MetricError as MetricError
    from srspace_eval.errors import Notice as Notice
    from srspace_eval.errors import ProblemsError as ProblemsError
    from srspace_eval.errors import RankingError as RankingError
    from srspace_eval.errors import ResultsError as ResultsError
    from srspace_eval.errors import SamplingError as SamplingError
    from srspace_eval.errors import SrspaceEvalError as SrspaceEvalError
    from srspace_eval.errors import StudyError as StudyError
    from srspace_eval.errors import SubmissionError as SubmissionError
    from srspace_eval.errors import TrackError as TrackError
    from srspace_eval.errors import WeightsError as WeightsError
    from srspace_eval.metrics.base import LeastSize as LeastSize
    from srspace_eval.metrics.base import Metric as Metric
    from srspace_eval.metrics.base import MetricInfo as MetricInfo
    from srspace_eval.metrics.base import Needs as Needs
    from srspace_eval.metrics.base import NetworkSettings as NetworkSettings
    from srspace_eval.metrics.dists.function import dists as dists
    from srspace_eval.metrics.diversity.function import PatchPlan as PatchPlan
    from srspace_eval.metrics.diversity.function import PatchScore as PatchScore
    from srspace_eval.metrics.diversity.function import diversity_curve as diversity_curve
    from srspace_eval.metrics.diversity.function import diversity_score as diversity_score
    from srspace_eval.metrics.diversity.function import diversity_score_patches as diversity_score_patches
    from srspace_eval.metrics.downscaling import downscale_folder as downscale_folder
    from srspace_eval.metrics.listing import list_metrics as list_metrics
    from srspace_eval.metrics.lpips.function import lpips as lpips
    from srspace_eval.metrics.lpips.function import lpips_map as lpips_map
    from srspace_eval.metrics.lpips.network import LPIPS as LPIPS
    from srspace_eval.metrics.lpips.weights import fetch_weights as fetch_weights
    from srspace_eval.metrics.lpips.weights import list_weights as list_weights
    from srspace_eval.metrics.lpips.weights import weights_path as weights_path
    from srspace_eval.metrics.lpips.weights import weights_search_path as weights_search_path
    from srspace_eval.metrics.measures import Measure as Measure
    from srspace_eval.metrics.psnr.function import lr_psnr as lr_psnr
    from srspace_eval.metrics.psnr.function import mse as mse
    from srspace_eval.metrics.psnr.function import psnr as psnr
    from srspace_eval.metrics.registry import register as register
    from srspace_eval.metrics.resize import imresize as imresize
    from srspace_eval.metrics.scenes.brisque import brisque as brisque
    from srspace_eval.metrics.scenes.niqe import niqe as niqe
    from srspace_eval.metrics.scenes.piqe import piqe as piqe
    from srspace_eval.metrics.ssim.function import ssim as ssim
    from srspace_eval.metrics.steps import ImageInputs as ImageInputs
    from srspace_eval.metrics.steps import ImageValues as ImageValues
    from srspace_eval.metrics.steps import Prepared as Prepared
    from srspace_eval.metrics.steps import SampleMean as SampleMean
    from srspace_eval.models.base import Flow as Flow
    from srspace_eval.models.base import Model as Model
    from srspace_eval.models.catalogue import known_methods as known_methods
    from srspace_eval.models.checkpoints.convert import convert_checkpoint as convert_checkpoint
    from srspace_eval.models.checkpoints.describe import CheckpointDescription as CheckpointDescription
    from srspace_eval.models.checkpoints.describe import describe_checkpoint as describe_checkpoint
    from srspace_eval.models.families import ModelFamily as ModelFamily
    from srspace_eval.models.families import model_families as model_families
    from srspace_eval.models.folders.likelihood import LikelihoodReport as LikelihoodReport
    from srspace_eval.models.folders.likelihood import likelihoods as likelihoods
    from srspace_eval.models.folders.options import SampleOptions as SampleOptions
    from srspace_eval.models.folders.sample_folder import SampleReport as SampleReport
    from srspace_eval.models.folders.sample_folder import sample_folder as sample_folder
    from srspace_eval.models.loading import load_model as load_model
    from srspace_eval.models.protocol import ModelConfig as ModelConfig
    from srspace_eval.models.recipes import heat_series as heat_series
    from srspace_eval.models.recipes import normalise_latents as normalise_latents
    from srspace_eval.models.recipes import transfer_content as transfer_content
    from srspace_eval.ranking.bootstrap import BootstrapPlan as BootstrapPlan
    from srspace_eval.ranking.leaderboard import rank as rank
    from srspace_eval.ranking.model import Entry as Entry
    from srspace_eval.ranking.model import Ranking as Ranking
    from srspace_eval.ranking.model import Row as Row
    from srspace_eval.ranking.published_tables import PublishedTable as PublishedTable
    from srspace_eval.ranking.published_tables import load_published as load_published
    from srspace_eval.ranking.published_tables import published_tables as published_tables
    from srspace_eval.report.files import render_leaderboard as render_leaderboard
    from srspace_eval.report.files import write_leaderboards as write_leaderboards
    from srspace_eval.report.history import update_history as update_history
    from srspace_eval.report.html.viewer import Pictures as Pictures
    from srspace_eval.report.letters import write_letters as write_letters
    from srspace_eval.results.board import Board as Board
    from srspace_eval.results.board import load_board as load_board
    from srspace_eval.results.record import Declared as Declared
    from srspace_eval.results.record import ImageRecord as ImageRecord
    from srspace_eval.results.record import Result as Result
    from srspace_eval.results.record import SampleRecord as SampleRecord
    from srspace_eval.results.signature import Signature as Signature
    from srspace_eval.results.store import read_result as read_result
    from srspace_eval.results.store import result_path as result_path
    from srspace_eval.results.store import write_result as write_result
    from srspace_eval.results.verification import Verification as Verification
    from srspace_eval.schemas import load_schema as load_schema
    from srspace_eval.scoring.batch import ScoreBatch as ScoreBatch
    from srspace_eval.scoring.batch import ScoreOutcome as ScoreOutcome
    from srspace_eval.scoring.batch import score_all as score_all
    from srspace_eval.scoring.options import ScoreOptions as ScoreOptions
    from srspace_eval.scoring.run import ShardRun as ShardRun
    from srspace_eval.scoring.run import score as score
    from srspace_eval.scoring.run import score_shard as score_shard
    from srspace_eval.scoring.shards import Shard as Shard
    from srspace_eval.scoring.verify import verify as verify
    from srspace_eval.scoring.verify import verify_all as verify_all
    from srspace_eval.study.collect import collect_ratings as collect_ratings
    from srspace_eval.study.collect import collect_study as collect_study
    from srspace_eval.study.create import StudyFolder as StudyFolder
    from srspace_eval.study.create import create_study as create_study
    from srspace_eval.study.opinion_scores import OpinionScores as OpinionScores
    from srspace_eval.study.opinion_scores import mean_opinion_scores as mean_opinion_scores
    from srspace_eval.study.options import CollectOptions as CollectOptions
    from srspace_eval.study.options import StudyOptions as StudyOptions
    from srspace_eval.study.outcome import StudyOutcome as StudyOutcome
    from srspace_eval.study.panel import RaterSummary as RaterSummary
    from srspace_eval.study.plan import PlanTarget as PlanTarget
    from srspace_eval.study.plan import RaterModel as RaterModel
    from srspace_eval.study.plan import StudyPlan as StudyPlan
    from srspace_eval.study.plan import plan_study as plan_study
    from srspace_eval.study.rating_outcome import RatingOutcome as RatingOutcome
    from srspace_eval.study.rating_plan import RatingModel as RatingModel
    from srspace_eval.study.rating_plan import RatingPlan as RatingPlan
    from srspace_eval.study.rating_plan import RatingTarget as RatingTarget
    from srspace_eval.study.rating_plan import plan_ratings as plan_ratings
    from srspace_eval.study.serve import StudyServer as StudyServer
    from srspace_eval.study.serve import serve_study as serve_study
    from srspace_eval.submissions.batch import CheckBatch as CheckBatch
    from srspace_eval.submissions.batch import CheckOutcome as CheckOutcome
    from srspace_eval.submissions.batch import check_all as check_all
    from srspace_eval.submissions.check import SubmissionCheck as SubmissionCheck
    from srspace_eval.submissions.check import check as check
    from srspace_eval.tracks.model import Track as Track
    from srspace_eval.tracks.opinion_scale import OpinionScale as OpinionScale
    from srspace_eval.tracks.reader import list_tracks as list_tracks
    from srspace_eval.tracks.reader import load_track as load_track
    from srspace_eval.tracks.teams import Team as Team
    from srspace_eval.tracks.teams import read_teams as read_teams
    from srspace_eval.tracks.template import write_track_template as write_track_template
    from srspace_eval.tracks.words import describe_track as describe_track

# Public name -> its module and its name there.
_HOMES = {
    "AppliedDegradation": "degrade.record.AppliedDegradation",
    "Board": "results.board.Board",
    "BootstrapPlan": "ranking.bootstrap.BootstrapPlan",
    "BundleCheck": "codabench.checks.findings.BundleCheck",
    "BundleEstimate": "codabench.estimate.BundleEstimate",
    "brisque": "metrics.scenes.brisque.brisque",
    "check": "submissions.check.check",
    "check_all": "submissions.batch.check_all",
    "CheckBatch": "submissions.batch.CheckBatch",
    "CheckOutcome": "submissions.batch.CheckOutcome",
    "check_bundle": "codabench.check.check_bundle",
    "CheckpointDescription": "models.checkpoints.describe.CheckpointDescription",
    "CheckpointError": "errors.CheckpointError",
    "collect_noise_pool": "degrade.noise_pool.collect_noise_pool",
    "collect_ratings": "study.collect.collect_ratings",
    "collect_study": "study.collect.collect_study",
    "CollectOptions": "study.options.CollectOptions",
    "CompetitionPhase": "codabench.phase.CompetitionPhase",
    "CompetitionPlan": "codabench.plan.CompetitionPlan",
    "convert_checkpoint": "models.checkpoints.convert.convert_checkpoint",
    "create_study": "study.create.create_study",
    "Declared": "results.record.Declared",
    "degrade_folder": "degrade.folder.degrade_folder",
    "degrade_image": "degrade.picture.degrade_image",
    "DegradedImage": "degrade.record.DegradedImage",
    "DegradeOptions": "degrade.options.DegradeOptions",
    "DegradeReport": "degrade.folder.DegradeReport",
    "Demo": "demo.run.Demo",
    "describe_checkpoint": "models.checkpoints.describe.describe_checkpoint",
    "describe_track": "tracks.words.describe_track",
    "diagnose": "doctor.diagnose",
    "Diagnosis": "doctor.Diagnosis",
    "dists": "metrics.dists.function.dists",
    "diversity_curve": "metrics.diversity.function.diversity_curve",
    "diversity_score": "metrics.diversity.function.diversity_score",
    "diversity_score_patches": "metrics.diversity.function.diversity_score_patches",
    "downscale_folder": "metrics.downscaling.downscale_folder",
    "dry_run_bundle": "codabench.dry_run.dry_run_bundle",
    "DryRun": "codabench.board.DryRun",
    "Entry": "ranking.model.Entry",
    "estimate_bundle": "codabench.estimate.estimate_bundle",
    "ExecutorError": "errors.ExecutorError",
    "fetch_weights": "metrics.lpips.weights.fetch_weights",
    "Flow": "models.base.Flow",
    "heat_series": "models.recipes.heat_series",
    "ImageError": "errors.ImageError",
    "ImageInputs": "metrics.steps.ImageInputs",
    "ImageRecord": "results.record.ImageRecord",
    "ImageValues": "metrics.steps.ImageValues",
    "import_downloads": "codabench.downloads.import_downloads",
    "ImportedBoard": "codabench.downloads.ImportedBoard",
    "imresize": "metrics.resize.imresize",
    "InputError": "errors.InputError",
    "known_methods": "models.catalogue.known_methods",
    "LeastSize": "metrics.base.LeastSize",
    "LikelihoodReport": "models.folders.likelihood.LikelihoodReport",
    "likelihoods": "models.folders.likelihood.likelihoods",
    "list_metrics": "metrics.listing.list_metrics",
    "list_tracks": "tracks.reader.list_tracks",
    "list_weights": "metrics.lpips.weights.list_weights",
    "load_board": "results.board.load_board",
    "load_competition": "codabench.plan_file.load_competition",
    "load_model": "models.loading.load_model",
    "load_published": "ranking.published_tables.load_published",
    "load_schema": "schemas.load_schema",
    "load_track": "tracks.reader.load_track",
    "lpips": "metrics.lpips.function.lpips",
    "LPIPS": "metrics.lpips.network.LPIPS",
    "lpips_map": "metrics.lpips.function.lpips_map",
    "lr_psnr": "metrics.psnr.function.lr_psnr",
    "mean_opinion_scores": "study.opinion_scores.mean_opinion_scores",
    "Measure": "metrics.measures.Measure",
    "Metric": "metrics.base.Metric",
    "MetricError": "errors.MetricError",
    "MetricInfo": "metrics.base.MetricInfo",
    "Model": "models.base.Model",
    "model_families": "models.families.model_families",
    "ModelConfig": "models.protocol.ModelConfig",
    "ModelFamily": "models.families.ModelFamily",
    "mse": "metrics.psnr.function.mse",
    "Needs": "metrics.base.Needs",
    "NetworkSettings": "metrics.base.NetworkSettings",
    "niqe": "metrics.scenes.niqe.niqe",
    "normalise_latents": "models.recipes.normalise_latents",
    "Notice": "errors.Notice",
    "OpinionScale": "tracks.opinion_scale.OpinionScale",
    "OpinionScores": "study.opinion_scores.OpinionScores",
    "PatchPlan": "metrics.diversity.function.PatchPlan",
    "PatchScore": "metrics.diversity.function.PatchScore",
    "Pictures": "report.html.viewer.Pictures",
    "piqe": "metrics.scenes.piqe.piqe",
    "plan_ratings": "study.rating_plan.plan_ratings",
    "plan_study": "study.plan.plan_study",
    "PlanTarget": "study.plan.PlanTarget",
    "Prepared": "metrics.steps.Prepared",
    "ProblemsError": "errors.ProblemsError",
    "psnr": "metrics.psnr.function.psnr",
    "published_tables": "ranking.published_tables.published_tables",
    "PublishedTable": "ranking.published_tables.PublishedTable",
    "rank": "ranking.leaderboard.rank",
    "Ranking": "ranking.model.Ranking",
    "RankingError": "errors.RankingError",
    "RaterModel": "study.plan.RaterModel",
    "RaterSummary": "study.panel.RaterSummary",
    "RatingModel": "study.rating_plan.RatingModel",
    "RatingOutcome": "study.rating_outcome.RatingOutcome",
    "RatingPlan": "study.rating_plan.RatingPlan",
    "RatingTarget": "study.rating_plan.RatingTarget",
    "read_result": "results.store.read_result",
    "read_rgb": "_utils.png.read_rgb",
    "read_teams": "tracks.teams.read_teams",
    "register": "metrics.registry.register",
    "render_leaderboard": "report.files.render_leaderboard",
    "Result": "results.record.Result",
    "result_path": "results.store.result_path",
    "ResultsError": "errors.ResultsError",
    "Row": "ranking.model.Row",
    "run_demo": "demo.run.run_demo",
    "sample_folder": "models.folders.sample_folder.sample_folder",
    "SampleMean": "metrics.steps.SampleMean",
    "SampleOptions": "models.folders.options.SampleOptions",
    "SampleRecord": "results.record.SampleRecord",
    "SampleReport": "models.folders.sample_folder.SampleReport",
    "SamplingError": "errors.SamplingError",
    "score": "scoring.run.score",
    "score_all": "scoring.batch.score_all",
    "ScoreBatch": "scoring.batch.ScoreBatch",
    "ScoreOutcome": "scoring.batch.ScoreOutcome",
    "score_shard": "scoring.run.score_shard",
    "ScoreOptions": "scoring.options.ScoreOptions",
    "serve_study": "study.serve.serve_study",
    "Shard": "scoring.shards.Shard",
    "ShardRun": "scoring.run.ShardRun",
    "Signature": "results.signature.Signature",
    "SrspaceEvalError": "errors.SrspaceEvalError",
    "ssim": "metrics.ssim.function.ssim",
    "StudyError": "errors.StudyError",
    "StudyFolder": "study.create.StudyFolder",
    "StudyOptions": "study.options.StudyOptions",
    "StudyOutcome": "study.outcome.StudyOutcome",
    "StudyPlan": "study.plan.StudyPlan",
    "StudyServer": "study.serve.StudyServer",
    "SubmissionCheck": "submissions.check.SubmissionCheck",
    "SubmissionError": "errors.SubmissionError",
    "Team": "tracks.teams.Team",
    "Track": "tracks.model.Track",
    "TrackError": "errors.TrackError",
    "transfer_content": "models.recipes.transfer_content",
    "update_history": "report.history.update_history",
    "Verification": "results.verification.Verification",
    "verify": "scoring.verify.verify",
    "verify_all": "scoring.verify.verify_all",
    "weights_path": "metrics.lpips.weights.weights_path",
    "weights_search_path": "metrics.lpips.weights.weights_search_path",
    "WeightsError": "errors.WeightsError",
    "write_bundle": "codabench.bundle.write_bundle",
    "write_competition_template": "codabench.plan_file.write_competition_template",
    "write_leaderboards": "report.files.write_leaderboards",
    "write_letters": "report.letters.write_letters",
    "write_png": "_utils.png.write_png",
    "write_result": "results.store.write_result",
    "write_track_template": "tracks.template.write_track_template",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _HOMES[name].rpartition(".")
    return getattr(import_module(f"{__name__}.{module}"), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
