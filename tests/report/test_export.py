"""What other programs read of a report: model cards by the hub's own parser, and trackers' stores."""

import sys
from types import ModuleType, SimpleNamespace

import made_runs
import pytest
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import eval_results_to_model_index, model_index_to_eval_results
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from bench.cli.main import main
from bench.report.export.write import export
from mpvss.errors import UserError

DATA = "vspw:frames,split=val"


@pytest.fixture
def scored(tmp_path):
    """Two good cells of MPVSS and one of random weights; their times are those of a sweep."""
    cells = {
        ("mpvss", 2): made_runs.cell(0.79, macs=3e9),
        ("mpvss", 5): made_runs.cell(0.785, macs=1.8e9),
        ("copy", 5): made_runs.cell(0.1, weights="untrained"),
    }
    return made_runs.make(tmp_path / "scored", cells, data=DATA)


@pytest.fixture
def timed(tmp_path):
    """A run that only timed."""
    return made_runs.make(tmp_path / "timed", {("mpvss", 5): made_runs.cell(ms=20.0)}, stopping="rounds")


def test_cards_are_what_the_hub_reads(scored, tmp_path):
    source = "https://example.org/report"
    files = export([scored], tmp_path / "out", exports=["hub"], source=source)
    assert [file.name for file in files] == ["results.md", "micro--copy.md", "micro--mpvss.md"]
    card = ModelCard.load(files[-1])
    assert card.data.model_name == "mpvss-micro"
    results = card.data.eval_results
    assert results is not None
    for result in results:
        assert (result.task_type, result.dataset_type, result.dataset_name) == ("image-segmentation", "vspw", "VSPW")
        assert (result.dataset_split, result.dataset_args) == ("val", {"data": DATA})
        assert (result.source_name, result.source_url) == ("mpvss-bench report", source)
    found = {result.metric_name: (result.metric_type, result.metric_value, result.metric_args) for result in results}
    assert found["mIoU (%), interval 2"] == ("mean_iou", 79.0, {"interval": 2})
    assert found["mIoU (%), interval 5"] == ("mean_iou", 78.5, {"interval": 5})
    assert found["GMACs, interval 5"] == ("gmacs", 1.8, {"interval": 5})
    assert found["Params (M), interval 2"] == ("parameters", 2.0, {"interval": 2})
    assert not [name for name in found if "FPS" in name or "(ms)" in name], "a sweep's times are no measurement"
    # Nothing is lost on the way through the hub's library.
    index = eval_results_to_model_index("mpvss-micro", results)
    assert model_index_to_eval_results(index) == ("mpvss-micro", results)


def test_accuracies_of_random_weights_are_left_out(scored, tmp_path):
    export([scored], tmp_path, exports=["hub"])
    card = (tmp_path / "hub" / "micro--copy.md").read_text()
    assert "GMACs, interval 5" in card
    assert "IoU" not in card


def test_times_of_a_run_that_only_timed_name_the_machine(timed, tmp_path):
    export([timed], tmp_path, exports=["hub"])
    assert "name: p50 key (ms) on some, 1 thread, interval 5" in (tmp_path / "hub" / "micro--mpvss.md").read_text()


def test_tensorboard_draws_figures_over_the_interval(scored, tmp_path):
    for _ in range(2):  # the second takes the first's place
        export([scored], tmp_path, sinks=["tensorboard"])
    events = EventAccumulator(str(tmp_path / "tensorboard" / "scored" / "micro--mpvss"))
    events.Reload()
    values = [(event.step, make_ndarray(event.tensor_proto).item()) for event in events.Tensors("mIoU (%)")]
    assert values == [(2, pytest.approx(79.0)), (5, pytest.approx(78.5))]


def test_wandb_gets_a_run_for_each_cell_and_no_network(scored, tmp_path, monkeypatch):
    started, logged = [], []
    module = ModuleType("wandb")
    run = SimpleNamespace(log=logged.append, finish=lambda: None)
    module.init = lambda **options: started.append(options) or run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", module)
    export([scored], tmp_path, sinks=["wandb"])
    assert [options["mode"] for options in started] == ["offline"] * 3
    assert {options["dir"] for options in started} == {str(tmp_path / "wandb")}
    at_five = next(i for i, options in enumerate(started) if options["name"] == "mpvss, micro, interval 5")
    assert started[at_five]["config"]["data"] == DATA
    assert logged[at_five]["mIoU (%)"] == 78.5


def test_mlflow_gets_names_that_it_takes(scored, tmp_path, monkeypatch):
    metrics = {}

    class Client:
        def __init__(self, tracking_uri):
            assert tracking_uri == f"sqlite:///{tmp_path / 'mlflow' / 'mlflow.db'}"
            self.runs = 0

        def get_experiment_by_name(self, name):
            return None

        def create_experiment(self, name, artifact_location):
            assert artifact_location == (tmp_path / "mlflow" / "artifacts").as_uri()
            return "1"

        def create_run(self, experiment, run_name):
            metrics[run_name] = {}
            return SimpleNamespace(info=SimpleNamespace(run_id=run_name))

        def log_param(self, run, key, value): ...

        def log_metric(self, run, key, value):
            metrics[run][key] = value

        def set_terminated(self, run): ...

    package, tracking = ModuleType("mlflow"), ModuleType("mlflow.tracking")
    tracking.MlflowClient = Client  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlflow", package)
    monkeypatch.setitem(sys.modules, "mlflow.tracking", tracking)
    export([scored], tmp_path, sinks=["mlflow"])
    assert metrics["mpvss, micro, interval 2"]["mIoU percent"] == 79.0


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_package_that_is_missing_is_named_with_its_extra(name, scored, tmp_path, monkeypatch, capsys):
    for module in (name, f"{name}.tracking"):
        monkeypatch.setitem(sys.modules, module, None)
    arguments = ["report", str(scored), "--formats", "csv", "--out", str(tmp_path / "out"), "--sink", name]
    assert main(arguments) == 2
    assert f"install mpvss-bench[{name}]" in capsys.readouterr().err


def test_what_is_not_known_is_refused(scored, tmp_path):
    with pytest.raises(UserError, match="unknown sink 'excel'; known are tensorboard, wandb, mlflow"):
        export([scored], tmp_path, sinks=["excel"])
    with pytest.raises(UserError, match="unknown export 'moon'; known are hub"):
        export([scored], tmp_path, exports=["moon"])
    with pytest.raises(UserError, match="the source is 'here'; give the address of a page"):
        export([scored], tmp_path, exports=["hub"], source="here")
