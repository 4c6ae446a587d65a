"""What each task trains, and that its predictions are those of the method that is measured."""

import pytest
import torch

from baselines.training import (
    AccelTask,
    DffTask,
    FlowTask,
    OpticalFlowTask,
    PixelCriterion,
    scores_at,
)
from bench.methods import build
from bench.methods.parts import Parts
from mpvss.presets import FLOW_DESIGNS
from mpvss.segmentor.semantic import MaskPrediction
from mpvss.training.batch import Batch, pad_labels, stack
from mpvss.training.losses import SegmentationCriterion
from mpvss.training.tasks import PropagationTask, SegmentationTask

CLASSES, HEIGHT, WIDTH = 5, 70, 101
CRITERION = SegmentationCriterion(points=64)


@pytest.fixture
def batch(frames):
    """Two pairs, of which one is the other way round."""
    key_frame, frame = frames(HEIGHT, WIDTH)
    labels = torch.zeros(2, HEIGHT, WIDTH, dtype=torch.uint8)
    labels[0, 20:50, 30:60], labels[1, :, 70:], labels[:, :4] = 1, 4, 255
    return Batch(
        frames=torch.stack((frame, key_frame)),
        key_frames=torch.stack((key_frame, frame)),
        labels=labels,
        flow=torch.tensor((3.0, 2.0)).view(1, 2, 1, 1).repeat(2, 1, HEIGHT, WIDTH),
        names=("a", "b"),
        seeds=(1, 2),
    )


def make_task(method, filled):
    if method == "flownets":
        return FlowTask(filled(Parts(CLASSES).flow("nano"), 2))
    model = filled(
        build(method, backbone="nano", key_backbone="micro" if method == "accel" else None, num_classes=5), 1
    )
    if method == "per-frame":
        return SegmentationTask(model.segmentor, CRITERION)
    if method in FLOW_DESIGNS:
        return PropagationTask(model, CRITERION)
    if method == "accel":
        return AccelTask(model, PixelCriterion(64))
    return {"optical-flow": OpticalFlowTask, "dff": DffTask}[method](model, CRITERION)


METHODS = ["per-frame", *FLOW_DESIGNS, "optical-flow", "dff", "accel", "flownets"]
HEADS = ("segmentor.query_decoder.mask_embed.", "segmentor.query_decoder.class_embed.")
TRAINED = {**dict.fromkeys(FLOW_DESIGNS, ("motion.", *HEADS)), "optical-flow": ("flow.", *HEADS)}


@pytest.mark.parametrize("method", METHODS)
def test_what_is_trained_gets_a_gradient_and_the_rest_is_frozen(method, batch, filled):
    task = make_task(method, filled).train()
    losses = task(batch)
    assert all(value.isfinite() and value > 0 for value in losses.values())
    sum(losses.values()).backward()
    trained = TRAINED.get(method, ("",))
    for name, parameter in task.model.named_parameters():
        wanted = name.startswith(trained)
        assert parameter.requires_grad == wanted, name
        assert (parameter.grad is not None and parameter.grad.isfinite().all()) == wanted, name
    for name, module in task.model.named_modules():
        if list(module.parameters(recurse=False)):
            assert module.training == f"{name}.".startswith(trained), name


@pytest.mark.parametrize("method", ["mpvss", "mpvss-query-for-pf", "optical-flow", "dff"])
def test_masks_of_a_batch_are_those_of_the_measured_method(method, batch, filled):
    task = make_task(method, filled).eval()
    model = task.model
    with torch.inference_mode():
        layers = task.decoded_layers(batch) if method == "dff" else task.warped_layers(batch)
        for index in range(2):
            _, state = model.segment(batch.key_frames[index])
            prediction, _ = model.propagate(batch.frames[index], state)
            torch.testing.assert_close(layers[-1].mask_logits[index], prediction.mask_logits, rtol=1e-3, atol=1e-3)
            weights = layers[-1].class_logits[index].softmax(-1)[:, :-1]
            torch.testing.assert_close(weights, prediction.class_weights, rtol=1e-3, atol=1e-4)
    assert len(layers) == 4  # before the first of three decoder layers and after each


def test_accels_scores_are_those_of_the_measured_method(batch, filled):
    task = make_task("accel", filled).eval()
    with torch.inference_mode():
        predictions = task.predictions(batch)
        for index in range(2):
            _, state = task.model.segment(batch.key_frames[index])
            expected = task.model.propagate(batch.frames[index], state)[0].scores()
            pixels = torch.arange(HEIGHT * WIDTH)
            torch.testing.assert_close(scores_at(predictions[index], pixels), expected.flatten(1), rtol=1e-3, atol=1e-4)


def test_pixel_loss_of_equal_scores():
    """Equal scores of 5 classes give log 5 at every pixel but the ignored, which do not count."""
    prediction = MaskPrediction(torch.full((3, 5), 0.2), torch.zeros(3, 8, 8), (32, 32))
    labels = torch.zeros(1, 32, 32, dtype=torch.uint8)
    labels[:, 10:] = 255
    loss = PixelCriterion(200)([prediction], labels, [torch.Generator().manual_seed(0)])
    torch.testing.assert_close(loss["pixel"], torch.tensor(5.0).log())


def test_flow_loss_by_arithmetic(batch, monkeypatch):
    """No flow where (3, 4) is true: 5 pixels, 2.5 of the halved frame, 0.125 of the network's unit, at every level.

    A level contributes its weight times its pixels over the finest level's, 128 for a frame of 64x128.
    """
    task = FlowTask(Parts(CLASSES).flow("nano"))
    frames = torch.zeros(1, 3, 64, 128, dtype=torch.uint8)
    flow = torch.tensor((3.0, 4.0)).view(1, 2, 1, 1).repeat(1, 1, 64, 128)
    example = Batch(frames, frames, None, flow, ("a",), (0,))
    sizes = [(1, 1), (1, 2), (2, 4), (4, 8), (8, 16)]
    zeros = [torch.zeros(1, 2, *size) for size in sizes]
    monkeypatch.setattr(task.model, "every_level", lambda _: zeros)
    weighted = 0.32 * 1 + 0.08 * 2 + 0.02 * 8 + 0.01 * 32 + 0.005 * 128
    torch.testing.assert_close(task(example)["flow"].item(), 0.125 * weighted / 128)
    flow[..., 64:] = torch.nan  # half of it is not known
    halved = 0.32 * 1 + 0.08 * 1 + 0.02 * 4 + 0.01 * 16 + 0.005 * 64
    torch.testing.assert_close(task(example)["flow"].item(), 0.125 * halved / 128)


@pytest.mark.parametrize(("method", "lacks"), [("mpvss", "key_frames"), ("dff", "labels"), ("flownets", "flow")])
def test_a_batch_that_lacks_something_is_refused(method, lacks, batch, filled):
    task = make_task(method, filled)
    with pytest.raises(ValueError, match=r"this task is trained on .*, and the batch has none"):
        task(Batch(**{**vars(batch), lacks: None}))


@pytest.mark.parametrize("method", ["per-frame", "mpvss", "accel"])
def test_bfloat16_autocast_gives_nearly_the_same_losses(method, batch, filled):
    task = make_task(method, filled)
    expected = task(batch)
    with torch.autocast("cpu", torch.bfloat16):
        losses = task(batch)
    sum(losses.values()).backward()
    for name, value in losses.items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, expected[name], rtol=0.3, atol=0.1)


def test_stacking_and_padding(batch):
    both = stack([batch, batch])
    assert both.names == ("a", "b", "a", "b")
    assert both.seeds == (1, 2, 1, 2)
    assert torch.equal(both.frames[2:], batch.frames)
    padded = pad_labels(batch.labels, 32)
    assert padded.shape == (2, 96, 128)
    assert torch.equal(padded[:, :HEIGHT, :WIDTH], batch.labels)
    assert (padded[:, HEIGHT:] == 255).all()
    assert (padded[:, :, WIDTH:] == 255).all()
