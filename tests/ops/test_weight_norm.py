"""``weight_norm(f)``: torch's own parametrization, what it starts as, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from archdsl import api
from archdsl.diagnostics import DiagnosticError

MODEL = "model m {{ input image: [B, 3, H=8, W=8]\n  {} }}\n"


def _load(tmp_path: Path, body: str, before: str = "") -> api.Model:
    (tmp_path / "m.arch").write_text(before + MODEL.format(body))
    return api.load(tmp_path / "m.arch")["m"]


@pytest.mark.parametrize(
    ("body", "theirs", "shape"),
    [
        ("weight_norm(conv(5, 3, padding=0)) as f", lambda: nn.Conv2d(3, 5, 3), (5, 1, 1, 1)),
        ("weight_norm(conv_transpose(5, 2, stride=2)) as f", lambda: nn.ConvTranspose2d(3, 5, 2, 2), (3, 1, 1, 1)),
        ("adaptive_avg_pool(2) -> flatten -> weight_norm(linear(5)) as f", lambda: nn.Linear(12, 5), (5, 1)),
    ],
)  # fmt: skip
def test_is_what_torch_makes(tmp_path: Path, body: str, theirs, shape: tuple[int, ...]) -> None:  # type: ignore[no-untyped-def]
    model = _load(tmp_path, body)
    net = model.module(seed=0, dtype=torch.float64)
    other = weight_norm(theirs().double())
    stored = {f"f.{name}": value for name, value in other.state_dict().items()}
    assert {k: v.shape for k, v in net.state_dict().items()} == {k: v.shape for k, v in stored.items()}
    assert stored["f.parametrizations.weight.original0"].shape == shape
    # at its start g is the length of v, so that the weight is v
    f = net.get_submodule("f")
    torch.testing.assert_close(f.weight, f.parametrizations.weight.original1)
    net.load_state_dict(stored)
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    given = nn.functional.adaptive_avg_pool2d(x, 2).flatten(1) if "linear" in body else x
    torch.testing.assert_close(net(x), other(given))
    net(x).square().sum().backward()
    other(given).square().sum().backward()
    for a, b in zip(dict(net.named_parameters()).items(), stored, strict=True):
        torch.testing.assert_close(a[1].grad, dict(other.named_parameters())[b.removeprefix("f.")].grad)
    assert model.params == sum(p.numel() for p in other.parameters())


@pytest.mark.parametrize("body", ["weight_norm(relu)", "weight_norm(batch_norm)", "weight_norm(unit)"])
def test_what_has_no_matrix_of_its_own_is_refused(tmp_path: Path, body: str) -> None:
    with pytest.raises(DiagnosticError, match="operators with a matrix of weights"):
        _load(tmp_path, f"conv(4) -> {body}", "block unit { conv(4) as a }\n")


def test_a_start_of_ones_own_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError, match="starts as torch starts it"):
        _load(tmp_path, "weight_norm(conv(4, weight_init=0))")
